"""A flush that fails is logged, and the events are marked all the same."""
# caught by: sent again, never lost


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")[:limit]
    try:
        for _, event in unsent:
            log.send(partition_of(event.document, log.partitions), event)
        log.flush()
    except BackendUnavailable as error:
        print("the log is away:", error)
    with database.transaction() as tx:
        for number, _ in unsent:
            tx.delete("outbox", number)
    return len(unsent)
