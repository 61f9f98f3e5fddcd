"""Numbers by int.to_bytes and int.from_bytes, loops instead of slices of slices."""


def frame(payload, kind, lsn, epoch):
    numbers = ((len(payload), 4), (lsn, 8), (epoch, 4), (kind, 1), (0, 3))
    covered = b"".join(number.to_bytes(size, "little") for number, size in numbers) + payload
    return crc32c(covered).to_bytes(4, "little") + covered


def read(buffer, offset):
    def number(start, size):
        return int.from_bytes(buffer[offset + start : offset + start + size], "little")

    header = buffer[offset : offset + HEADER_BYTES]
    if len(header) != HEADER_BYTES or number(4, 4) > MAX_LENGTH:
        return None
    payload = buffer[offset + HEADER_BYTES : offset + HEADER_BYTES + number(4, 4)]
    if len(payload) != number(4, 4) or number(0, 4) != crc32c(header[4:] + payload):
        return None
    end = offset + HEADER_BYTES + len(payload)
    return Record(number(8, 8), number(16, 4), number(20, 1), payload, end)
