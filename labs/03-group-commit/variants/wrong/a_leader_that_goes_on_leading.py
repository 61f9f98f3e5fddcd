"""The leader goes on with the next group while others come: its own writer gets no answer meanwhile."""
# caught by: the first is woken to lead
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        while True:
            with self.mutex:
                group, self.queue = self.queue, []
                if not group:
                    self.led = False
                    return
            try:
                write_group(self.log, group)
            except OSError as cause:
                self.fail(group, cause)
                return
            for writer in group:
                writer.wake()
