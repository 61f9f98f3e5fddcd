"""A writer does not sleep: it looks at its own state without end, until that has changed."""
# caught by: share the next one
# task: 5


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        writer = Writer(record)
        self.join(writer)
        while not (writer.leads or writer.lsn or writer.error):
            pass
        if writer.leads:
            self.lead()
        if writer.error:
            raise StoreFailed(writer.error)
        return writer.lsn
