"""A writer sleeps on a queue of one message, and the message says why it was woken."""

import queue as mailboxes


class Writer(Writer):
    def __init__(self, record: bytes) -> None:
        super().__init__(record)
        self._mailbox = mailboxes.SimpleQueue()

    def wait(self) -> None:
        self._mailbox.get()

    def wake(self) -> None:
        self._mailbox.put("go on")
