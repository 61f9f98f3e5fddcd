"""A letter is replayed by saving its old text as the newest version."""
# caught by: gone from its table, announced once


def replay(database, letter):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(letter.event)) is None:
            return False
        tx.delete("dead_letters", identity(letter.event))
        tx.delete("attempts", identity(letter.event))
    save(database, letter.event.document, letter.event.text)
    return True
