"""The mutex is an RLock, and helpers that need it take it again."""


class GroupCommit(GroupCommit):
    def __init__(self, log: Log) -> None:
        self.mutex = threading.RLock()
        super().__init__(log)
        self.mutex = threading.RLock()

    def _may_join(self) -> None:
        with self.mutex:
            if self.failure:
                raise StoreFailed(f"refused: {self.failure}")

    def join(self, writer: Writer) -> None:
        with self.mutex:
            self._may_join()
            self.queue += [writer]
            writer.leads, self.led = not self.led, True

    def _take(self) -> list[Writer]:
        with self.mutex:
            taken = list(self.queue)
            del self.queue[:]
            return taken

    def fail(self, group: list[Writer], cause: OSError) -> None:
        with self.mutex:
            self.failure = str(cause)
            for writer in group + self._take():
                writer.error = self.failure
                writer.wake()
