"""Lab 03: group commit. Read README.md first; `veristack labs check 03` checks it.

A log has two methods, and they are all that you may ask of it:

    log.append(records) -> int    write these records behind each other; the LSN of the first
    log.sync()                    return when everything appended so far is on the disk

`append` returns at once, for the bytes are only in the operating system's memory. `sync` takes
as long as the disk takes. Both raise OSError when the disk fails. Only one thread at a time may
be in either of them.
"""

import threading
from typing import Protocol

from veristack_lab.errors import StoreFailed


class Log(Protocol):
    """Given: what stands between you and the disk."""

    def append(self, records: list[bytes]) -> int:
        """Write records; the LSN of the first. The following ones have the following LSNs."""

    def sync(self) -> None:
        """Return when everything appended so far is durable."""


class Writer:
    """Given: one thread that waits for its record. Only its own signal wakes it."""

    def __init__(self, record: bytes) -> None:
        self.record = record
        self.lsn = 0
        """0 until the record is durable."""
        self.error = ""
        """Why it never will be, or empty."""
        self.leads = False
        """Whether this thread has to lead a group, the one that its record is in."""
        self._signal = threading.Event()

    def wait(self) -> None:
        """Sleep until a thread calls `wake`; return at once if one did before."""
        self._signal.wait()

    def wake(self) -> None:
        """Let this writer, and no other, go on."""
        self._signal.set()


def write_group(log: Log, group: list[Writer]) -> None:
    """Task 1. Make the records of a group durable, and then give each writer its LSN."""
    # BEGIN SOLUTION 1
    first_lsn = log.append([writer.record for writer in group])
    log.sync()
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
    # END SOLUTION


class GroupCommit:
    """Many writers, one log. `queue`, `led` and `failure` are touched only under `mutex`."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.mutex = threading.Lock()
        self.queue: list[Writer] = []
        """Writers that have joined and are in no group yet, in the order they came."""
        self.led = False
        """Whether some writer is leading, or has been told to."""
        self.failure = ""
        """Why no more writes are taken, or empty."""

    def join(self, writer: Writer) -> None:
        """Task 2. Queue up; a writer that finds no leader has to lead (`writer.leads`).

        Raises:
            StoreFailed: the log has failed before. The writer is not queued.
        """
        # BEGIN SOLUTION 2
        with self.mutex:
            if self.failure:
                raise StoreFailed(self.failure)
            self.queue.append(writer)
            if not self.led:
                self.led = writer.leads = True
        # END SOLUTION

    def fail(self, group: list[Writer], cause: OSError) -> None:
        """Task 3. The log has failed: an error for the group, the queue, and all later writers."""
        # BEGIN SOLUTION 3
        with self.mutex:
            self.failure = reason = f"a write to the log failed: {cause}"
            failed = group + self.queue
            self.queue = []
        for writer in failed:
            writer.error = reason
            writer.wake()
        # END SOLUTION

    def lead(self) -> None:
        """Task 4. Take all that wait, make them durable, wake them, hand the lead over."""
        # BEGIN SOLUTION 4
        with self.mutex:
            group, self.queue = self.queue, []
        try:
            write_group(self.log, group)
        except OSError as cause:
            self.fail(group, cause)
            return
        for writer in group:
            writer.wake()
        with self.mutex:
            self.led = bool(self.queue)
            if self.led:
                self.queue[0].leads = True
                self.queue[0].wake()
        # END SOLUTION

    def commit(self, record: bytes) -> int:
        """Task 5. Return the record's LSN once it is durable, and not before.

        Raises:
            StoreFailed: the log has failed; whether the record is on the disk is unknown.
        """
        # BEGIN SOLUTION 5
        writer = Writer(record)
        self.join(writer)
        if not writer.leads:
            writer.wait()
        if writer.leads:
            self.lead()
        if writer.error:
            raise StoreFailed(writer.error)
        return writer.lsn
        # END SOLUTION
