"""Attempts are counted in the process, which dies: a text that brings it down is tried for ever."""
# caught by: tried MAX_ATTEMPTS times, then parked

_attempts = {}


def process(database, engine, event):
    key = identity(event)
    with database.transaction() as tx:
        if tx.get("dead_letters", key) is not None:
            return True
    try:
        apply(database, engine, event)
    except TextRefused as error:
        _attempts[key] = _attempts.get((key), 0) + 1
        if _attempts[key] < MAX_ATTEMPTS:
            return False
        with database.transaction() as tx:
            letter = DeadLetter(event, str(error), _attempts[key])
            tx.put("dead_letters", key, letter)
    return True
