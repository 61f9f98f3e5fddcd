"""The leader copies the queue and then takes the mutex to empty it: who came in between is lost."""
# caught by: the state is touched only under the mutex
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        group = list(self.queue)
        with self.mutex:
            self.queue = []
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
