"""The document is written first, and announced in a transaction of its own: the dual write."""
# caught by: document and announcement in one transaction


def save(database, document, text):
    with database.transaction() as tx:
        before = tx.get("documents", document)
        event = Event(document, before.version + 1 if before else 1, text)
        tx.put("documents", document, event)
    with database.transaction() as tx:
        tx.add("outbox", event)
    return event.version
