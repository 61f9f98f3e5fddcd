"""Look and leap under two holds of the mutex."""
# caught by: the mutex is held from look to leap


class GroupCommit(GroupCommit):
    def join(self, writer: Writer) -> None:
        """Task 2. Queue up; a writer that finds no leader has to lead (`writer.leads`).

        Raises:
            StoreFailed: the log has failed before. The writer is not queued.
        """
        with self.mutex:
            if self.failure:
                raise StoreFailed(self.failure)
            self.queue.append(writer)
        if not self.led:
            with self.mutex:
                self.led = writer.leads = True
