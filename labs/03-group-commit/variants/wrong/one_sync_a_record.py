"""One sync a record."""
# caught by: one append, one sync


def write_group(log: Log, group: list[Writer]) -> None:
    """Task 1. Make the records of a group durable, and then give each writer its LSN."""
    for writer in group:
        first_lsn = log.append([writer.record])
        log.sync()
        writer.lsn = first_lsn
