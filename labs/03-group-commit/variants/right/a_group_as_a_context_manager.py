"""What a leader does around the disk is a context manager: it fails or wakes the group at its end."""

from contextlib import contextmanager


class GroupCommit(GroupCommit):
    @contextmanager
    def _group(self):
        with self.mutex:
            group, self.queue = self.queue, []
        try:
            yield group
        except OSError as cause:
            self.fail(group, cause)
            return
        for writer in group:
            writer.wake()
        with self.mutex:
            if not self.queue:
                self.led = False
                return
            following = self.queue[0]
        following.leads = True
        following.wake()

    def lead(self) -> None:
        with self._group() as group:
            write_group(self.log, group)
