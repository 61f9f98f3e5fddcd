"""The letter does not say what the engine said."""
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
            tx.put("dead_letters", identity(event), DeadLetter(event, "refused", attempts))
    return True
