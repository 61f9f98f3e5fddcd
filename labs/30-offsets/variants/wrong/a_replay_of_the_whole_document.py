"""All letters of the document go with the one that is replayed."""
# caught by: one letter is replayed, and the others stay


def replay(database, letter):
    with database.transaction() as tx:
        mine = [key for key, _ in tx.scan("dead_letters") if key[0] == letter.event.document]
        if identity(letter.event) not in mine:
            return False
        for key in mine:
            tx.delete("dead_letters", key)
            tx.delete("attempts", key)
        tx.add("outbox", letter.event)
    return True
