"""Whether the queue is empty is asked under one hold of the mutex, and `led` is set under another."""
# caught by: a writer that joins between any two lines
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
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
            following = self.queue[0] if self.queue else None
        if following is None:
            with self.mutex:
                self.led = False
        else:
            with self.mutex:
                following.leads = True
                following.wake()
