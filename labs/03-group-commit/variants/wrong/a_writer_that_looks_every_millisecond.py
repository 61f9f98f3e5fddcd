"""A writer sleeps for a millisecond at a time and looks whether it is done: a timer instead of a signal."""
# caught by: share the next one
# task: 5

import time


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        writer = Writer(record)
        self.join(writer)
        while not (writer.leads or writer.lsn or writer.error):
            time.sleep(0.001)
        if writer.leads:
            self.lead()
        if writer.error:
            raise StoreFailed(writer.error)
        return writer.lsn
