"""Every writer of a group gets the LSN of its first record."""
# caught by: LSNs in the order of the group


def write_group(log: Log, group: list[Writer]) -> None:
    first_lsn = log.append([writer.record for writer in group])
    log.sync()
    for writer in group:
        writer.lsn = first_lsn
