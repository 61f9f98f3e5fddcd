"""What counts goes to a new file that takes the name of the old one before it is synced."""
# caught by: a cut that fails is an error
# task: 5


def open_log(path, first_lsn, epoch):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    buffer = whole(fd)
    records, end = recover(buffer, first_lsn, epoch)
    if end < len(buffer):
        os.close(fd)
        fd = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        data = buffer[:end]
        while data:
            data = data[os.write(fd, data) :]
        os.replace(path + ".new", path)
        os.fsync(fd)
        sync_folder(path)
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
