"""Each record is a call deeper, which ends at a thousand."""
# caught by: a log of any length


def recover(buffer, first_lsn, epoch, offset=0):
    record = read(buffer, offset)
    if record is None or record.epoch != epoch or record.lsn != first_lsn:
        return [], offset
    records, end = recover(buffer, first_lsn + 1, epoch, record.end)
    return [record, *records], end
