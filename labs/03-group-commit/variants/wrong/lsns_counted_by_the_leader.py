"""The committer counts LSNs from one by itself: a log that was opened with records in it counts on."""
# caught by: every writer that waits is in the group
# task: 4


class GroupCommit(GroupCommit):
    count = 0

    def lead(self) -> None:
        with self.mutex:
            group, self.queue = self.queue, []
        try:
            self.log.append([writer.record for writer in group])
            self.log.sync()
        except OSError as cause:
            self.fail(group, cause)
            return
        for writer in group:
            self.count += 1
            writer.lsn = self.count
            writer.wake()
        with self.mutex:
            self.led = bool(self.queue)
            if self.led:
                self.queue[0].leads = True
                self.queue[0].wake()
