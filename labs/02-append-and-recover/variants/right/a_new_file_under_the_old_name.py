"""What counts goes to a new file, which is synced before it takes the name of the old one."""


def open_log(path, first_lsn, epoch):
    buffer = b""
    if os.path.exists(path):
        fd = os.open(path, os.O_RDONLY)
        try:
            while piece := os.read(fd, 1 << 16):
                buffer += piece
        finally:
            os.close(fd)
    records, end = recover(buffer, first_lsn, epoch)
    if end < len(buffer) or not buffer:
        new = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            good = memoryview(buffer)[:end]
            while good:
                good = good[os.write(new, good) :]
            os.fsync(new)
        finally:
            os.close(new)
        os.replace(path + ".new", path)
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return os.open(path, os.O_RDWR | os.O_APPEND), records
