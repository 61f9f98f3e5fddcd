"""Each event is sent by itself, and one that fails is passed over: its successor overtakes it."""
# caught by: sent again, never lost, never astray


def relay(database, log, limit):
    with database.transaction() as tx:
        unsent = tx.scan("outbox")[:limit]
    sent, failed = 0, None
    for number, event in unsent:
        try:
            log.send(partition_of(event.document, log.partitions), event)
            log.flush()
        except BackendUnavailable as error:
            failed = error
            continue
        with database.transaction() as tx:
            tx.delete("outbox", number)
        sent += 1
    if failed:
        raise failed
    return sent
