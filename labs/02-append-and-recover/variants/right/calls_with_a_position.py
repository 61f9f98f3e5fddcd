"""Positions instead of O_APPEND: pread, pwrite, lseek, and fdatasync."""


def append(fd, payload, kind, lsn, epoch):
    data, at = frame(payload, kind, lsn, epoch), os.lseek(fd, 0, os.SEEK_END)
    while data:
        taken = os.pwrite(fd, data, at)
        data, at = data[taken:], at + taken
    os.lseek(fd, 0, os.SEEK_END)
    os.fdatasync(fd)


def open_log(path, first_lsn, epoch):
    made = not os.path.exists(path)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    buffer = bytearray()
    while piece := os.pread(fd, 4096, len(buffer)):
        buffer += piece
    records, end = recover(bytes(buffer), first_lsn, epoch)
    if end != len(buffer):
        os.truncate(path, end)
        os.fdatasync(fd)
    if made:
        folder = os.open(os.path.dirname(path), os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    os.lseek(fd, end, os.SEEK_SET)
    return fd, records
