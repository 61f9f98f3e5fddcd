"""A failure that is forgotten."""
# caught by: those who come later hear of it


class GroupCommit(GroupCommit):
    def fail(self, group: list[Writer], cause: OSError) -> None:
        """Task 3. The log has failed: an error for the group, for all who wait, for all to come."""
        with self.mutex:
            reason = f"a write to the log failed: {cause}"
            failed = group + self.queue
            self.queue = []
        for writer in failed:
            writer.error = reason
            writer.wake()
