"""All versions of a document share one count: a new version has no attempts left."""
# caught by: for each version of each document by itself


def process(database, engine, event):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(event)) is not None:
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", event.document) or 0) + 1
            tx.put("attempts", event.document, attempts)
            if attempts < MAX_ATTEMPTS:
                return False
            tx.put("dead_letters", identity(event), DeadLetter(event, str(error), attempts))
    return True
