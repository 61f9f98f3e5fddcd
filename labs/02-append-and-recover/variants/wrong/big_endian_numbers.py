"""The numbers are packed with their highest byte first."""
# caught by: golden log, record by record
# task: 1


def frame(payload, kind, lsn, epoch):
    covered = struct.pack(">IQIB3x", len(payload), lsn, epoch, kind) + payload
    return struct.pack(">I", crc32c(covered)) + covered
