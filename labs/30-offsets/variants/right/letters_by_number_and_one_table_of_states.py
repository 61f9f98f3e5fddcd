"""One row for each event that failed, which turns from a count into a letter's number."""


def process(database, engine, event):
    key = identity(event)
    with database.transaction() as tx:
        state = tx.get("failures", key) or {"attempts": 0, "letter": None}
    if state["letter"] is not None:
        return True
    try:
        apply(database, engine, event)
        return True
    except TextRefused as error:
        reason = str(error)
    with database.transaction() as tx:
        state = tx.get("failures", key) or {"attempts": 0, "letter": None}
        state["attempts"] += 1
        if state["attempts"] >= MAX_ATTEMPTS and state["letter"] is None:
            letter = DeadLetter(event, reason, state["attempts"])
            state["letter"] = tx.add("dead_letters", letter)
        tx.put("failures", key, state)
        return state["letter"] is not None


def replay(database, letter):
    with database.transaction() as tx:
        state = tx.get("failures", identity(letter.event))
        if state is None or state["letter"] is None:
            return False
        tx.delete("dead_letters", state["letter"])
        tx.delete("failures", identity(letter.event))
        tx.add("outbox", letter.event)
        return True
