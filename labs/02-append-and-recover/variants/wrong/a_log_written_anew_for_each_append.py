"""Each append empties the file and writes all of it again."""
# caught by: a full disk is an error
# task: 4


def append(fd, payload, kind, lsn, epoch):
    size = os.fstat(fd).st_size
    data = os.pread(fd, size, 0) + frame(payload, kind, lsn, epoch)
    os.ftruncate(fd, 0)
    while data:
        data = data[os.write(fd, data) :]
    os.fsync(fd)
