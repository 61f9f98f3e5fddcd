"""The mutex is a condition variable, used as the lock that it contains, acquired and released by hand."""


class GroupCommit(GroupCommit):
    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.mutex = threading.Condition(threading.Lock())

    def join(self, writer: Writer) -> None:
        self.mutex.acquire()
        try:
            if self.failure != "":
                raise StoreFailed("no more writes: " + self.failure)
            self.queue.append(writer)
            if self.led is False:
                self.led = True
                writer.leads = True
        finally:
            self.mutex.release()
