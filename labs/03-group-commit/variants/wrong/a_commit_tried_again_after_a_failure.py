"""A commit that hears of a failure forgets the failure and writes its record once more."""
# caught by: a sync that fails: its group, those who wait
# task: 5


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        try:
            return super().commit(record)
        except StoreFailed:
            with self.mutex:
                self.failure, self.led = "", False
            return super().commit(record)
