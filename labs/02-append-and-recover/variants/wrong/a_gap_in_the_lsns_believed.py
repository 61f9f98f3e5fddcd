"""A record counts whenever its LSN is not smaller than the expected one."""
# caught by: earlier life


def recover(buffer, first_lsn, epoch):
    records, offset = [], 0
    while (record := read(buffer, offset)) is not None:
        if record.epoch != epoch or record.lsn < first_lsn + len(records):
            break
        records.append(record)
        offset = record.end
    return records, offset
