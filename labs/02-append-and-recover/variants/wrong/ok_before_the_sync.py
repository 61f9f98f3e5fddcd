"""OK before the sync."""
# caught by: the disk has it before append returns


def append(fd: int, payload: bytes, kind: int, lsn: int, epoch: int) -> None:
    """Task 4. Write one record at the end of the file; return when it is on the disk."""
    data = memoryview(frame(payload, kind, lsn, epoch))
    while data:
        data = data[os.write(fd, data) :]
