"""The outbox is ordered by document: a busy one keeps those behind it waiting."""
# caught by: the oldest first


def save(database, document, text):
    with database.transaction() as tx:
        before = tx.get("documents", document)
        event = Event(document, before.version + 1 if before else 1, text)
        tx.put("documents", document, event)
        tx.put("outbox", (document, event.version), event)
    return event.version


def replay(database, letter):
    with database.transaction() as tx:
        key = identity(letter.event)
        if tx.get("dead_letters", key) is None:
            return False
        tx.delete("dead_letters", key)
        tx.delete("attempts", key)
        tx.put("outbox", key[:2], letter.event)
    return True
