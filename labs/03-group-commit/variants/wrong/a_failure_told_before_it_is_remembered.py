"""Writers are woken with their error before the failure is remembered: one that writes again gets in."""
# caught by: the failure is remembered before any writer wakes
# task: 3


class GroupCommit(GroupCommit):
    def fail(self, group: list[Writer], cause: OSError) -> None:
        with self.mutex:
            failed, self.queue = group + self.queue, []
            for writer in failed:
                writer.error = str(cause)
                writer.wake()
            self.failure = str(cause)
