"""LSNs given before the sync."""
# caught by: no LSN before the sync has returned


def write_group(log: Log, group: list[Writer]) -> None:
    """Task 1. Make the records of a group durable, and then give each writer its LSN."""
    first_lsn = log.append([writer.record for writer in group])
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
    log.sync()
