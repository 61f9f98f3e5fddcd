"""An error that is swallowed."""
# caught by: a sync that fails: its group, those who wait


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        """Task 5. Return the record's LSN once it is durable, and not before.

        Raises:
            StoreFailed: it is not durable, and it is unknown whether it ever will be.
        """
        writer = Writer(record)
        self.join(writer)
        if not writer.leads:
            writer.wait()
        if writer.leads:
            self.lead()
        return writer.lsn
