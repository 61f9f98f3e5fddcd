"""A payload of exactly MAX_LENGTH bytes is taken for damage."""
# caught by: the longest payload


def read(buffer, offset):
    if len(buffer) - offset < HEADER_BYTES:
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if length >= MAX_LENGTH or end > len(buffer) or crc32c(buffer[offset + 4 : end]) != crc:
        return None
    return Record(lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end)
