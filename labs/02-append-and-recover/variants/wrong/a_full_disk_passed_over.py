"""A write that fails ends the append without an error."""
# caught by: a full disk is an error


def append(fd, payload, kind, lsn, epoch):
    data = frame(payload, kind, lsn, epoch)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError as error:
        print("could not write:", error)
    os.fsync(fd)
