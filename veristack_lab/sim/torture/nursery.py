"""Forks writers, with everything imported: `python -m veristack_lab.sim.torture.nursery SOCKET`.

Starting an interpreter takes longer than most writers live. So one process is started, warms
up, and forks a writer for each line of JSON that comes in through the socket, and answers with
its process id. The next line is that id: then it kills the writer and answers with the exit
code. It has one thread, as a process that forks should.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import traceback
from io import BufferedRWPair
from pathlib import Path
from typing import NoReturn

from veristack_lab.kernels import warm
from veristack_lab.sim.torture.load import run_until_killed


def main() -> None:
    """Fork writers until the socket is closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        warm()
        gc.freeze()  # objects that exist already need not be scanned again in each child
        with connection.makefile("rwb") as stream:
            for line in stream:
                _raise_writer(json.loads(line), stream, connection)


def _raise_writer(
    request: dict[str, object], stream: BufferedRWPair, connection: socket.socket
) -> None:
    pid = os.fork()
    if pid == 0:
        connection.close()
        _write(request)
    _answer(stream, pid)
    stream.readline()  # the order to kill, or the end of the process that asked for the writer
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    _answer(stream, os.waitstatus_to_exitcode(status))


def _write(request: dict[str, object]) -> NoReturn:
    try:
        firsts = request["firsts"]
        assert isinstance(firsts, list)  # written by `torture`
        store, acks = Path(str(request["store"])), Path(str(request["acks"]))
        run_until_killed(store, acks, int(str(request["seed"])), firsts)
    except BaseException:  # noqa: BLE001 a child must not run on as a second nursery
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


def _answer(stream: BufferedRWPair, number: int) -> None:
    stream.write(b"%d\n" % number)
    stream.flush()


if __name__ == "__main__":
    main()
