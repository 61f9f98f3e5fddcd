"""After the last attempt the event is dropped: nothing tells an operator that it was there."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    try:
        apply(database, engine, event)
    except TextRefused:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", identity(event)) or 0) + 1
            tx.put("attempts", identity(event), attempts)
            return attempts >= MAX_ATTEMPTS
    return True
