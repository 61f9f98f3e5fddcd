"""A deleted document loses its row, and with it the count of its versions."""
# caught by: versions count up, behind a deletion too


def save(database, document, text):
    with database.transaction() as tx:
        before = tx.get("documents", document)
        event = Event(document, before.version + 1 if before else 1, text)
        if text is None:
            tx.delete("documents", document)
        else:
            tx.put("documents", document, event)
        tx.add("outbox", event)
    return event.version
