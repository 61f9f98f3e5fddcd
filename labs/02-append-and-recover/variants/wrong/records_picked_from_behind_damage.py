"""Records behind damage count, if their LSNs fit; the end is told rightly."""
# caught by: behind damage nothing counts


def recover(buffer, first_lsn, epoch):
    records, offset, end = [], 0, 0
    while offset < len(buffer):
        record = read(buffer, offset)
        if record is None:
            offset += 1
        elif record.epoch != epoch or record.lsn < first_lsn + len(records):
            break
        elif record.lsn > first_lsn + len(records) and offset == end:
            break
        else:
            records.append(record)
            offset = end = record.end
    return records, end
