"""The newest announcements first: the older ones of a document come later."""
# caught by: the oldest first


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")[::-1][:limit]
    for _, event in unsent:
        log.send(partition_of(event.document, log.partitions), event)
    log.flush()
    with database.transaction() as tx:
        for number, _ in unsent:
            tx.delete("outbox", number)
    return len(unsent)
