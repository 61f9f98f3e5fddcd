"""The first threads that need machine code come at once, through different kernels."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from veristack_lab.kernels._jit import jit_enabled

FIRST_CALLS = textwrap.dedent(
    """
    import sys
    import threading

    from veristack_lab.kernels import crc32c, crc64nvme
    from veristack_lab.kernels._jit import NATIVE_PRICE_UNITS

    data, failures = bytes(NATIVE_PRICE_UNITS), []

    def late():
        # comes when the first thread is in the middle of importing numba
        while first.is_alive() and "numba.core" not in sys.modules:
            pass
        crc64nvme.crc64nvme(data)

    def caught(call):
        try:
            call()
        except BaseException as error:
            failures.append(repr(error))

    first = threading.Thread(target=caught, args=(lambda: crc32c.crc32c(data),))
    others = [threading.Thread(target=caught, args=(late,)) for _ in range(3)]
    for thread in (first, *others):
        thread.start()
    for thread in (first, *others):
        thread.join()
    assert not failures, failures
    """
)


@pytest.mark.skipif(not jit_enabled(), reason="without machine code nothing is loaded")
def test_threads_that_need_machine_code_at_once_all_get_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALLS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [], "machine code is cached in the lab's own folder"
