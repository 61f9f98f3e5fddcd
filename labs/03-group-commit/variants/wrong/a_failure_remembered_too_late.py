"""The queue is emptied first and the failure remembered later: a writer between the two sleeps for ever."""
# caught by: no writer can slip in between
# task: 3


class GroupCommit(GroupCommit):
    def fail(self, group: list[Writer], cause: OSError) -> None:
        reason = f"a write to the log failed: {cause}"
        with self.mutex:
            failed = group + self.queue
            self.queue = []
        with self.mutex:
            self.failure = reason
        for writer in failed:
            writer.error = reason
            writer.wake()
