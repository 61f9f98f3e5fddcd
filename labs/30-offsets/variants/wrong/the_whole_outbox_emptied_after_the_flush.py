"""What was saved while the log worked is marked too, and was never sent."""
# caught by: each document's events in order
# task: 1


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")[:limit]
    for _, event in unsent:
        log.send(partition_of(event.document, log.partitions), event)
    log.flush()
    with database.transaction() as tx:
        for number, _ in tx.scan("outbox"):
            tx.delete("outbox", number)
    return len(unsent)
