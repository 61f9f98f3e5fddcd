"""A read that fails ends the log, and the rest of it is cut off."""
# caught by: a read that fails is not the end


def open_log(path, first_lsn, epoch):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    buffer = b""
    try:
        while piece := os.read(fd, 4096):
            buffer += piece
    except OSError:
        pass
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
