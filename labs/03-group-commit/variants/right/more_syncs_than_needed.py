"""The log is synced before the append too, and twice after it: slower, and as durable."""


def write_group(log: Log, group: list[Writer]) -> None:
    log.sync()
    lsn = log.append(list(writer.record for writer in group))
    log.sync()
    log.sync()
    for writer in group:
        writer.lsn, lsn = lsn, lsn + 1
