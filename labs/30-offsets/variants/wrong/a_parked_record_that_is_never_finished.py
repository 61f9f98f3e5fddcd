"""A parked event is not reported as done: its partition stands for ever."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(event)) is not None:
            return False
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", identity(event)) or 0) + 1
            tx.put("attempts", identity(event), attempts)
            if attempts >= MAX_ATTEMPTS:
                tx.put("dead_letters", identity(event), DeadLetter(event, str(error), attempts))
        return False
    return True
