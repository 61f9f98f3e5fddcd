"""All writers sleep on one condition, and each group wakes all of them, also those it did not contain."""
# caught by: share the next one
# task: 5


class GroupCommit(GroupCommit):
    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.anything = threading.Condition()

    def commit(self, record: bytes) -> int:
        writer = Writer(record)
        self.join(writer)
        with self.anything:
            while not (writer.leads or writer.lsn or writer.error):
                self.anything.wait()
        if writer.leads:
            try:
                self.lead()
            finally:
                with self.anything:
                    self.anything.notify_all()
        if writer.error:
            raise StoreFailed(writer.error)
        return writer.lsn
