"""The found file and its folder are synced at every open, and the append syncs twice."""


def open_log(path, first_lsn, epoch):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    os.fsync(fd)
    buffer = whole(fd)
    records, end = recover(buffer, first_lsn, epoch)
    os.ftruncate(fd, end)
    os.fsync(fd)
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


def append(fd, payload, kind, lsn, epoch):
    os.fsync(fd)
    for byte in frame(payload, kind, lsn, epoch):
        assert os.write(fd, bytes([byte])) == 1
    os.fdatasync(fd)
    os.fsync(fd)
