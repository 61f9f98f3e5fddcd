"""The committer's methods are closures over the log, the mutex and the writers of the moment."""


def write_group(log, group):
    def promise(first):
        for place, writer in zip(range(first, first + len(group)), group, strict=True):
            writer.lsn = place

    first = log.append([writer.record for writer in group])
    log.sync()
    promise(first)


class GroupCommit:
    def __init__(self, log):
        self.log, self.mutex = log, threading.Lock()
        self.queue, self.led, self.failure = [], False, ""

        def join(writer):
            with self.mutex:
                if self.failure:
                    raise StoreFailed(self.failure)
                self.queue.append(writer)
                writer.leads = not self.led
                self.led = True

        def fail(group, cause):
            with self.mutex:
                reason = self.failure = f"{type(cause).__name__}: {cause}"
                group, self.queue = [*group, *self.queue], []
            for writer in group:
                writer.error = reason
                writer.wake()

        def lead():
            with self.mutex:
                group, self.queue = self.queue, []
            try:
                write_group(log, group)
            except OSError as cause:
                fail(group, cause)
                return
            any(writer.wake() for writer in group)
            with self.mutex:
                self.led = bool(self.queue)
                for writer in self.queue[:1]:
                    writer.leads = True
                    writer.wake()

        def commit(record):
            writer = Writer(record)
            join(writer)
            writer.leads or writer.wait()
            if writer.leads:
                lead()
            if writer.error:
                raise StoreFailed(writer.error)
            return writer.lsn

        self.join, self.fail, self.lead, self.commit = join, fail, lead, commit
