"""The next leader is woken as soon as the group is taken: two threads are at the log."""
# caught by: the first is woken to lead
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        with self.mutex:
            group, self.queue = self.queue, []
            self.led = False
        try:
            write_group(self.log, group)
        except OSError as cause:
            self.fail(group, cause)
            return
        for writer in group:
            writer.wake()
        with self.mutex:
            if self.queue and not self.led:
                self.led = self.queue[0].leads = True
                self.queue[0].wake()
