"""Only a sync is expected to fail: an append without room leaves the group asleep and the lead taken."""
# caught by: an append that fails: an error for the whole group
# task: 4


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        with self.mutex:
            group, self.queue = self.queue, []
        first_lsn = self.log.append([writer.record for writer in group])
        try:
            self.log.sync()
        except OSError as cause:
            self.fail(group, cause)
            return
        for number, writer in enumerate(group):
            writer.lsn = first_lsn + number
        for writer in group:
            writer.wake()
        with self.mutex:
            self.led = bool(self.queue)
            if self.led:
                self.queue[0].leads = True
                self.queue[0].wake()
