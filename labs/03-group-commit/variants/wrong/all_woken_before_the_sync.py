"""All woken before the sync."""
# caught by: no writer is woken before the sync


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        """Task 4. Take all that wait, make them durable, wake them, hand the lead over."""
        with self.mutex:
            group, self.queue = self.queue, []
        for writer in group:
            writer.wake()
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
                self.queue[0].wake()
