"""The torn part is cut off, and the cut is not synced."""
# caught by: what is torn is cut off


def open_log(path, first_lsn, epoch):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    buffer = whole(fd)
    records, end = recover(buffer, first_lsn, epoch)
    if end < len(buffer):
        os.ftruncate(fd, end)
    if not buffer:
        sync_folder(path)
    return fd, records


def whole(fd):
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def sync_folder(path):
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
