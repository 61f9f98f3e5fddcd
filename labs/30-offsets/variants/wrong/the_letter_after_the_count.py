"""The count is written first and the letter in a second transaction: a death between them loses it."""
# caught by: the process dies at any call of any attempt


def process(database, engine, event):
    key = identity(event)
    with database.transaction() as tx:
        if (
            tx.get("dead_letters", key) is not None
            or (tx.get("attempts", key) or 0) >= MAX_ATTEMPTS
        ):
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", key) or 0) + 1
            tx.put("attempts", key, attempts)
        if attempts < MAX_ATTEMPTS:
            return False
        with database.transaction() as tx:
            tx.put("dead_letters", key, DeadLetter(event, str(error), attempts))
    return True
