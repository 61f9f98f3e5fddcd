"""A short write taken for a whole one."""
# caught by: 7 bytes at a time


def append(fd: int, payload: bytes, kind: int, lsn: int, epoch: int) -> None:
    """Task 4. Write one record at the end of the file; return when it is on the disk."""
    data = memoryview(frame(payload, kind, lsn, epoch))
    os.write(fd, data)
    os.fsync(fd)
