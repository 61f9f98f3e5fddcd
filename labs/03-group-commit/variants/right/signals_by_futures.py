"""Each writer waits for a future, which is resolved once; `commit` looks at what it says."""

from concurrent.futures import Future


class Writer:
    def __init__(self, record: bytes) -> None:
        self.record, self.lsn, self.error, self.leads = record, 0, "", False
        self.future: Future[None] = Future()

    def wait(self) -> None:
        self.future.result()
        self.future = Future()

    def wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class GroupCommit(GroupCommit):
    def commit(self, record: bytes) -> int:
        self.join(writer := Writer(record))
        while not (writer.lsn or writer.error):
            if writer.leads:
                self.lead()
            else:
                writer.wait()
        if writer.lsn:
            return writer.lsn
        raise StoreFailed(writer.error)
