"""Only the first piece of a record is synced."""
# caught by: a write that takes 7 bytes


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    data = data[os.write(fd, data) :]
    os.fsync(fd)
    while data:
        data = data[os.write(fd, data) :]
