"""Whatever goes wrong costs an attempt: an outage parks good documents (RakuenSoftware/aimee pull request 2120)."""
# caught by: an outage is passed on and spends no attempt


def process(database, engine, event):
    with database.transaction() as tx:
        if tx.get("dead_letters", identity(event)) is not None:
            return True
    try:
        apply(database, engine, event)
    except (TextRefused, EmbeddingFailed) as error:
        with database.transaction() as tx:
            attempts = (tx.get("attempts", identity(event)) or 0) + 1
            tx.put("attempts", identity(event), attempts)
            if attempts < MAX_ATTEMPTS:
                return False
            tx.put("dead_letters", identity(event), DeadLetter(event, str(error), attempts))
    return True
