"""How a command that serves learns that it must end: SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def calling_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` on every SIGTERM or SIGINT while the body runs. For a main thread.

    The earlier handlers are in place again afterwards.
    """
    earlier = {number: signal.signal(number, lambda *_: stop()) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set, for the rest of this process. For a main thread."""
    stopped = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stopped.set())
    return stopped
