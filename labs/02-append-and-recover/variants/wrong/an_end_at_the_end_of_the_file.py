"""The end of the buffer is told instead of the end of what counts."""
# caught by: a power cut at every byte


def recover(buffer, first_lsn, epoch):
    records, offset = [], 0
    while (record := read(buffer, offset)) is not None:
        if record.epoch != epoch or record.lsn != first_lsn + len(records):
            break
        records.append(record)
        offset = record.end
    return records, len(buffer)
