"""The letter stays, so that an operator sees it: the event that goes out is taken for parked."""
# caught by: gone from its table, announced once


def replay(database, letter):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(letter.event)) is None:
            return False
        tx.delete("attempts", identity(letter.event))
        tx.add("outbox", letter.event)
    return True
