"""The leader calls `fail` under the mutex, which `fail` takes again: it waits for itself for ever."""
# caught by: a sync that fails: an error for the whole group
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        with self.mutex:
            group, self.queue = self.queue, []
        cause = None
        try:
            write_group(self.log, group)
        except OSError as error:
            cause = error
        with self.mutex:
            if cause is not None:
                self.fail(group, cause)
                return
            for writer in group:
                writer.wake()
            self.led = bool(self.queue)
            if self.led:
                self.queue[0].leads = True
                self.queue[0].wake()
