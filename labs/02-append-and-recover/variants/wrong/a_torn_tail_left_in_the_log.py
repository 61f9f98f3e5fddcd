"""A torn tail left in the log."""
# caught by: opened, appended to, opened again


def open_log(path: str, first_lsn: int, epoch: int) -> tuple[int, list[Record]]:
    """Task 5. Open the file, or make it; the file descriptor to append to, and its records.

    What follows the last good record is cut off, durably, before this returns.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    buffer = b"".join(pieces)
    records, end = recover(buffer, first_lsn, epoch)
    if end < len(buffer):
        pass
    return fd, records
