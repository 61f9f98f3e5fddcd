"""An older life of the file believed."""
# caught by: an earlier life


def recover(buffer: bytes, first_lsn: int, epoch: int) -> tuple[list[Record], int]:
    """Task 3. The records that count, and where the last of them ends.

    They are of this epoch and their LSNs go up by one from `first_lsn`, without a gap.
    """
    records: list[Record] = []
    offset = 0
    while True:
        record = read(buffer, offset)
        if record is None or record.lsn != first_lsn + len(records):
            return records, offset
        records.append(record)
        offset = record.end
