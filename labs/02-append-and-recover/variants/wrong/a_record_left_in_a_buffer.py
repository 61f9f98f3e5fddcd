"""The record goes through a file object whose buffer is never flushed."""
# caught by: the whole record is in the file

FILES = []


def append(fd, payload, kind, lsn, epoch):
    out = os.fdopen(os.dup(fd), "ab")
    out.write(frame(payload, kind, lsn, epoch))
    FILES.append(out)
    os.fsync(fd)
