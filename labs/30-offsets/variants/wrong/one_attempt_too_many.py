"""Parked only when the text was refused once more than it may be."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(event)) is not None:
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            attempts = tx.get("attempts", identity(event)) or 0
            if attempts >= MAX_ATTEMPTS:
                tx.put("dead_letters", identity(event), DeadLetter(event, str(error), attempts))
                return True
            tx.put("attempts", identity(event), attempts + 1)
        return False
    return True
