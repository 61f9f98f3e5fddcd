"""`python -m veristack_lab.smartsearch.run relay|worker [NAME]`: one process of the pipeline.

The settings come in the environment (see `settings`). SIGTERM and SIGINT end it after the
batch in hand. It prints one line when it is running.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.supervised import ends_with_outage_code
from veristack_lab.smartsearch.relay import Relay
from veristack_lab.smartsearch.settings import Settings
from veristack_lab.smartsearch.worker import Worker


def run(part: str, settings: Settings, name: str | None = None) -> None:
    """Run a relay or a worker until SIGTERM or SIGINT.

    Raises:
        InvalidInput: the part is neither "relay" nor "worker".
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    runner: Relay | Worker
    if part == "relay":
        runner = Relay(settings)
    elif part == "worker":
        runner = Worker(settings, name=name)
    else:
        raise InvalidInput(f"{part!r} is not a part of the pipeline; say relay or worker")
    with runner:
        sys.stdout.write(f"{part} runs\n")
        sys.stdout.flush()
        runner.run(stop)


if __name__ == "__main__":
    with ends_with_outage_code():
        run(sys.argv[1], Settings.from_environment(), sys.argv[2] if len(sys.argv) > 2 else None)
