"""The outbox holds the newest event of each document; the mark of an older one removes it."""
# caught by: document and announcement in one transaction


def save(database, document, text):
    with database.transaction() as tx:
        before = tx.get("documents", document)
        event = Event(document, before.version + 1 if before else 1, text)
        tx.put("documents", document, event)
        tx.put("outbox", document, event)
    return event.version
