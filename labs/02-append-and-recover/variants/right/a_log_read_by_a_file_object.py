"""The log is read by open(), which the checks let pass; only writes have to be seen."""

from pathlib import Path


def open_log(path, first_lsn, epoch):
    where = Path(path)
    there = where.exists()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    records, end = recover(where.read_bytes(), first_lsn, epoch)
    if end < where.stat().st_size:
        os.truncate(fd, end)
        os.fsync(fd)
    if not there:
        folder = os.open(where.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return fd, records
