"""A sync that fails is passed over in silence, and its writers get LSNs."""
# caught by: not tried again, and gives no LSN
# task: 1


def write_group(log: Log, group: list[Writer]) -> None:
    first_lsn = log.append([writer.record for writer in group])
    try:
        log.sync()
    except OSError:
        pass
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
