"""A write that is interrupted is taken for done."""
# caught by: a write that fails or is interrupted


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    written = 0
    while written < len(data):
        try:
            written += os.write(fd, data[written:])
        except InterruptedError:
            break
    os.fsync(fd)
