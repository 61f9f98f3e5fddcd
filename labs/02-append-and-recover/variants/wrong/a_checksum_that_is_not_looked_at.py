"""A record whose header makes sense is believed without its checksum."""
# caught by: any bit flipped


def read(buffer, offset):
    if len(buffer) - offset < HEADER_BYTES:
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if length > MAX_LENGTH or end > len(buffer):
        return None
    return Record(lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end)
