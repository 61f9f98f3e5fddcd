"""Whether to lead is asked before sleeping and never after: a writer that is woken to lead does not."""
# caught by: share the next one
# task: 5


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        writer = Writer(record)
        self.join(writer)
        if writer.leads:
            self.lead()
        else:
            writer.wait()
        if writer.error:
            raise StoreFailed(writer.error)
        return writer.lsn
