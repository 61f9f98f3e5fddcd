"""Records are named tuples that a generator gives one by one."""

from typing import NamedTuple


class Record(NamedTuple):
    lsn: int
    epoch: int
    kind: int
    payload: bytes
    end: int


HEADER = struct.Struct("<IIQIB3x")


def read(buffer, offset):
    try:
        crc, length, lsn, epoch, kind = HEADER.unpack_from(buffer[offset : offset + HEADER.size])
    except struct.error:
        return None
    end = offset + HEADER.size + length
    sound = length <= MAX_LENGTH and end <= len(buffer) and crc32c(buffer[offset + 4 : end]) == crc
    return Record(lsn, epoch, kind, buffer[end - length : end], end) if sound else None


def following(buffer, lsn, epoch):
    record = read(buffer, 0)
    while record and (record.lsn, record.epoch) == (lsn, epoch):
        yield record
        lsn += 1
        record = read(buffer, record.end)


def recover(buffer, first_lsn, epoch):
    records = list(following(buffer, first_lsn, epoch))
    return records, records[-1].end if records else 0
