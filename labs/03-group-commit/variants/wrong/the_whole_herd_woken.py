"""The whole herd woken."""
# caught by: no herd


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        """Task 4. Take all that wait, make them durable, wake them, hand the lead over."""
        with self.mutex:
            group, self.queue = self.queue, []
        try:
            write_group(self.log, group)
        except OSError as cause:
            self.fail(group, cause)
            return
        for writer in group:
            writer.wake()
        with self.mutex:
            self.led = bool(self.queue)
            if self.led:
                self.queue[0].leads = True
                for waiting in self.queue:
                    waiting.wake()
