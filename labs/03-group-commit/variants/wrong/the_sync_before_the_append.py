"""The log is synced before the records are appended: the sync covers the group before."""
# caught by: one sync that begins after it
# task: 1


def write_group(log: Log, group: list[Writer]) -> None:
    log.sync()
    first_lsn = log.append([writer.record for writer in group])
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
