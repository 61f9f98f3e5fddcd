"""Attempts are counted in the process, which dies: a text that brings it down is tried for ever."""
# caught by: the process dies at any call of any attempt

_attempts = {}


def process(database, engine, event):
    key = identity(event)
    with database.transaction() as tx:
        if tx.get("dead_letters", key) is not None:
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        _attempts[id(database), key] = _attempts.get((id(database), key), 0) + 1
        if _attempts[id(database), key] < MAX_ATTEMPTS:
            return False
        with database.transaction() as tx:
            letter = DeadLetter(event, str(error), _attempts[id(database), key])
            tx.put("dead_letters", key, letter)
    return True
