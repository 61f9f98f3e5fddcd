"""One refusal and the event is parked, though the next attempt would have passed."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(event)) is not None:
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            tx.put("dead_letters", identity(event), DeadLetter(event, str(error), 1))
    return True
