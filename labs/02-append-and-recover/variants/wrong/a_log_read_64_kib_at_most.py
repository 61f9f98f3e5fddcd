"""The log is read by one call of 64 KiB, and what is behind that is cut off."""
# caught by: a log longer than any buffer


def open_log(path, first_lsn, epoch):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    buffer = os.read(fd, 65536)
    records, end = recover(buffer, first_lsn, epoch)
    if end < len(buffer):
        os.ftruncate(fd, end)
        os.fsync(fd)
    if not buffer:
        sync_folder(path)
    return fd, records


def sync_folder(path):
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
