"""Announcements keep their rows, with a mark; sent ones are left for an auditor."""


def save(database, document, text):
    with database.transaction() as tx:
        before = tx.get("documents", document)
        version = 1 if before is None else before.version + 1
        tx.put("documents", document, Event(document, version, text))
        tx.add("outbox", {"event": Event(document, version, text), "sent": False})
        return version


def relay(database, log, limit):
    with database.transaction() as tx:
        rows = [(n, row) for n, row in tx.scan("outbox") if not row["sent"]][:limit]
    for _, row in rows:
        log.send(partition_of(row["event"].document, log.partitions), row["event"])
    if rows:
        log.flush()
        with database.transaction() as tx:
            for number, row in rows:
                tx.put("outbox", number, row | {"sent": True})
    return len(rows)


def replay(database, letter):
    key = identity(letter.event)
    with database.transaction() as tx:
        if tx.get("dead_letters", key) is None:
            return False
        tx.delete("dead_letters", key)
        tx.delete("attempts", key)
        tx.add("outbox", {"event": letter.event, "sent": False})
    return True
