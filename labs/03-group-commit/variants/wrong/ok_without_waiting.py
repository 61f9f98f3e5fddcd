"""OK without waiting."""
# caught by: share the next one


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        """Task 5. Return the record's LSN once it is durable, and not before.

        Raises:
            StoreFailed: it is not durable, and it is unknown whether it ever will be.
        """
        writer = Writer(record)
        self.join(writer)
        if writer.leads:
            self.lead()
        if writer.error:
            raise StoreFailed(writer.error)
        return writer.lsn
