"""After a short write the whole record is written again."""
# caught by: 7 bytes at a time


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    for _ in range(100):
        if os.write(fd, data) == len(data):
            break
    os.fsync(fd)
