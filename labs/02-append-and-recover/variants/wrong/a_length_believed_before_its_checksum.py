"""A length believed before its checksum."""
# caught by: a length is not believed


def read(buffer: bytes, offset: int) -> Record | None:
    """Task 2. The record at this offset, or None for anything that is not a whole one."""
    if len(buffer) - offset < HEADER_BYTES:
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if end > len(buffer):
        return None
    if crc32c(buffer[offset + 4 : end]) != crc:
        return None
    return Record(lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end)
