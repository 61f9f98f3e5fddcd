"""An offset beyond the end raises; only the cut of a last record was thought of."""
# caught by: any bytes at any offset


def read(buffer, offset):
    if 0 <= len(buffer) - offset < HEADER_BYTES:
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if length > MAX_LENGTH or end > len(buffer) or crc32c(buffer[offset + 4 : end]) != crc:
        return None
    return Record(lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end)
