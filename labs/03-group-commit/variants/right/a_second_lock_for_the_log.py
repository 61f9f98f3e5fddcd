"""A lock of its own is held around every use of the log: not needed, for there is one leader."""


class GroupCommit(GroupCommit):
    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.log_lock = threading.Lock()

    def lead(self) -> None:
        with self.mutex:
            group = self.queue[:]
            self.queue = []
        error = None
        with self.log_lock:
            try:
                write_group(self.log, group)
            except OSError as cause:
                error = cause
        if error is not None:
            self.fail(group, error)
            return
        with self.mutex:
            self.led = len(self.queue) > 0
            following = self.queue[:1]
            for writer in following:
                writer.leads = True
        for writer in [*following, *group]:
            writer.wake()
