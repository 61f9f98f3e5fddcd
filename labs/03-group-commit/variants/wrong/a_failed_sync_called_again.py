"""A failed sync called again."""
# caught by: not tried again


def write_group(log: Log, group: list[Writer]) -> None:
    """Task 1. Make the records of a group durable, and then give each writer its LSN."""
    first_lsn = log.append([writer.record for writer in group])
    try:
        log.sync()
    except OSError:
        log.sync()
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
