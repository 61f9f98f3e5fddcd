"""A sync that fails is passed over."""
# caught by: a sync that fails is an error


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    while data:
        data = data[os.write(fd, data) :]
    try:
        os.fsync(fd)
    except OSError:
        print("the sync has failed")
