"""A sync that a signal interrupted is called again, as if it had only been late."""
# caught by: not tried again
# task: 1


def write_group(log: Log, group: list[Writer]) -> None:
    first_lsn = log.append([writer.record for writer in group])
    while True:
        try:
            log.sync()
            break
        except InterruptedError:
            continue
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
