"""The next leader is woken first and the group after it, all under one hold of the mutex."""


class GroupCommit(GroupCommit):
    def lead(self) -> None:
        with self.mutex:
            group = [writer for writer in self.queue]
            self.queue = self.queue[len(group) :]
        try:
            write_group(self.log, group)
        except OSError as cause:
            return self.fail(group, cause)
        with self.mutex:
            match self.queue:
                case []:
                    self.led = False
                case [first, *_]:
                    first.leads = True
                    first.wake()
            for writer in reversed(group):
                writer.wake()
