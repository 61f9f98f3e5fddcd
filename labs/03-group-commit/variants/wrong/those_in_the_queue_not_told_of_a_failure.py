"""Those in the queue not told of a failure."""
# caught by: the group and the queue hear of it


class GroupCommit(GroupCommit):
    def fail(self, group: list[Writer], cause: OSError) -> None:
        """Task 3. The log has failed: an error for the group, for all who wait, for all to come."""
        with self.mutex:
            self.failure = reason = f"a write to the log failed: {cause}"
            failed = group
            self.queue = []
        for writer in failed:
            writer.error = reason
            writer.wake()
