"""The letter is deleted first and announced afterwards: a death between them loses the document."""
# caught by: the process dies at any call of a replay


def replay(database, letter):
    key = identity(letter.event)
    with database.transaction() as tx:
        if tx.get("dead_letters", key) is None:
            return False
        tx.delete("dead_letters", key)
        tx.delete("attempts", key)
    with database.transaction() as tx:
        tx.add("outbox", letter.event)
    return True
