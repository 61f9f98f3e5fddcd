"""The outbox is marked by document, not by announcement: later versions are never sent."""
# caught by: each document's events in order


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")[:limit]
    for _, event in unsent:
        log.send(partition_of(event.document, log.partitions), event)
    log.flush()
    sent = {event.document for _, event in unsent}
    with database.transaction() as tx:
        for number, event in tx.scan("outbox"):
            if event.document in sent:
                tx.delete("outbox", number)
    return len(unsent)
