"""Without a limit in the way, everything in the outbox is marked, and what came meanwhile is lost."""
# caught by: what is saved while the relay works


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")
    whole = len(unsent) <= limit
    for _, event in unsent[:limit]:
        log.send(partition_of(event.document, log.partitions), event)
    log.flush()
    with database.transaction() as tx:
        for number, _ in tx.scan("outbox") if whole else unsent[:limit]:
            tx.delete("outbox", number)
    return len(unsent[:limit])
