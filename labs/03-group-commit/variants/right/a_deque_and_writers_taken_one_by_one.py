"""The queue is a deque, and the leader takes the writers out of it one by one."""

from collections import deque


class GroupCommit(GroupCommit):
    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.queue = deque()

    def fail(self, group: list[Writer], cause: OSError) -> None:
        with self.mutex:
            self.failure = f"the log is broken ({cause!r})"
            reason, failed = self.failure, [*group, *self.queue]
            self.queue.clear()
        for writer in failed:
            writer.error = reason
        for writer in failed:
            writer.wake()

    def lead(self) -> None:
        group = []
        with self.mutex:
            while self.queue:
                group.append(self.queue.popleft())
        try:
            write_group(self.log, group)
        except OSError as cause:
            self.fail(group, cause)
        else:
            for writer in group:
                writer.wake()
            self._hand_over()

    def _hand_over(self) -> None:
        with self.mutex:
            following = self.queue[0] if self.queue else None
            self.led = following is not None
            if following is not None:
                following.leads = True
        if following is not None:
            following.wake()
