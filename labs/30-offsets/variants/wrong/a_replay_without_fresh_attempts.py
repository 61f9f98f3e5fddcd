"""The old count stays: the first refusal after a replay parks the event again."""
# caught by: with fresh attempts


def replay(database, letter):
    key = identity(letter.event)
    with database.transaction() as tx:
        if tx.get("dead_letters", key) is None:
            return False
        tx.delete("dead_letters", key)
        tx.add("outbox", letter.event)
    return True
