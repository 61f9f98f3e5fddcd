"""A group has four records at most, and the writers behind it wait for others to come before they are led."""
# caught by: every writer that waits is in the group
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        with self.mutex:
            group, self.queue = self.queue[:4], self.queue[4:]
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
