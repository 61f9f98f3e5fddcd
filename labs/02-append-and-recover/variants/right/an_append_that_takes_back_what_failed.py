"""After an error the torn bytes are taken back, and the error is passed on."""


def append(fd, payload, kind, lsn, epoch):
    before = os.fstat(fd).st_size
    data = frame(payload, kind, lsn, epoch)
    header, rest = data[:HEADER_BYTES], data[HEADER_BYTES:]
    try:
        done = os.writev(fd, [header, rest])
        while done < len(data):
            try:
                done += os.write(fd, data[done:])
            except InterruptedError:
                continue
        os.fsync(fd)
    except OSError:
        os.ftruncate(fd, before)
        raise
