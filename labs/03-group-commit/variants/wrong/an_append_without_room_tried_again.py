"""When the append finds no room, it is called once more: a part of the records may be there twice."""
# caught by: an append that fails, with nothing or a part written
# task: 1


def write_group(log: Log, group: list[Writer]) -> None:
    records = [writer.record for writer in group]
    try:
        first_lsn = log.append(records)
    except OSError:
        first_lsn = log.append(records)
    log.sync()
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
