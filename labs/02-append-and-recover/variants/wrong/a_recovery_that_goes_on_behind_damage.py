"""After damage the search goes on byte by byte for more records."""
# caught by: a power cut at every byte


def recover(buffer, first_lsn, epoch):
    records, offset = [], 0
    while offset < len(buffer):
        record = read(buffer, offset)
        if record is None or record.epoch != epoch:
            offset += 1
        else:
            records.append(record)
            offset = record.end
    return records, offset
