"""The version is counted in one transaction and written in another: two that save get the same one."""
# caught by: two that save the same document at once


def save(database, document, text):
    with database.transaction() as tx:
        before = tx.get("documents", document)
    event = Event(document, before.version + 1 if before else 1, text)
    with database.transaction() as tx:
        tx.put("documents", document, event)
        tx.add("outbox", event)
    return event.version
