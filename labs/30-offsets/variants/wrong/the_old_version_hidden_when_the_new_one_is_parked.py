"""A parked version takes the chunks of the one before with it."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(event)) is not None:
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", identity(event)) or 0) + 1
            tx.put("attempts", identity(event), attempts)
            if attempts < MAX_ATTEMPTS:
                return False
            for key, _ in tx.scan("chunks"):
                if key[0] == event.document:
                    tx.delete("chunks", key)
            tx.put("dead_letters", identity(event), DeadLetter(event, str(error), attempts))
    return True
