"""The checksum is taken over the header, not over the payload."""
# caught by: golden log, record by record
# task: 1


def frame(payload, kind, lsn, epoch):
    header = struct.pack("<IQIB3x", len(payload), lsn, epoch, kind)
    return struct.pack("<I", crc32c(header)) + header + payload
