"""The file is synced before the record is written."""
# caught by: the disk has it before append returns


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    os.fsync(fd)
    while data:
        data = data[os.write(fd, data) :]
