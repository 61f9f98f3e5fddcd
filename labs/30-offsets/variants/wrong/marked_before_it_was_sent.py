"""Marked first and sent afterwards: at most once."""
# caught by: sent again, never lost


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")[:limit]
        for number, _ in unsent:
            tx.delete("outbox", number)
    for _, event in unsent:
        log.send(partition_of(event.document, log.partitions), event)
    log.flush()
    return len(unsent)
