"""A sync that fails is called again, and its success is believed."""
# caught by: a sync that fails is an error


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    while data:
        data = data[os.write(fd, data) :]
    for attempt in range(3):
        try:
            os.fsync(fd)
            return
        except OSError:
            if attempt == 2:
                raise
