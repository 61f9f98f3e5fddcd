"""A parked event that is delivered again is tried again, and parked a second time."""
# caught by: parked and delivered again


def process(database, engine, event):
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", identity(event)) or 0) + 1
            tx.put("attempts", identity(event), attempts)
            if attempts < MAX_ATTEMPTS:
                return False
            tx.delete("attempts", identity(event))
            tx.add("dead_letters", DeadLetter(event, str(error), attempts))
    return True
