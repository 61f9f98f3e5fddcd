"""Those who came meanwhile told OK with the group."""
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
        with self.mutex:
            for writer in self.queue:
                writer.lsn = group[-1].lsn + 1
            group, self.queue = group + self.queue, []
            for writer in group:
                writer.wake()
            self.led = bool(self.queue)
            if self.led:
                self.queue[0].leads = True
                self.queue[0].wake()
