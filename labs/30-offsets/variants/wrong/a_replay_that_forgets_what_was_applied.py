"""To let the event through, a replay forgets what was applied: the old text overwrites the new one."""
# caught by: overwrites nothing newer

_replay = replay


def replay(database, letter):
    if not _replay(database, letter):
        return False
    with database.transaction() as tx:
        tx.delete("applied", letter.event.document)
    return True
