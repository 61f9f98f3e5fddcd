"""A leader that is not in its own group."""
# caught by: all are queued, the leader too


class GroupCommit(GroupCommit):
    def join(self, writer: Writer) -> None:
        """Task 2. Queue up; a writer that finds no leader has to lead (`writer.leads`).

        Raises:
            StoreFailed: the log has failed before. The writer is not queued.
        """
        with self.mutex:
            if self.failure:
                raise StoreFailed(self.failure)
            if not self.led:
                self.led = writer.leads = True
            else:
                self.queue.append(writer)
