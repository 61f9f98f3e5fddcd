"""An offset close to the end or beyond it raises instead of giving None."""
# caught by: a record cut anywhere is none


def read(buffer, offset):
    if offset == len(buffer):
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if length > MAX_LENGTH or end > len(buffer) or crc32c(buffer[offset + 4 : end]) != crc:
        return None
    return Record(lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end)
