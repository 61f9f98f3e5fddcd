"""A commit that failed returns -1 in place of an exception, and the caller takes it for an LSN."""
# caught by: a sync that fails: its group, those who wait
# task: 5


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        try:
            return super().commit(record)
        except StoreFailed:
            return -1
