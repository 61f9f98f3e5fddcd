"""One decorator for every kernel, and the decision whether numba is worth its import.

`VERISTACK_JIT=auto` (the default) compiles with numba where it is installed; `off`, a missing
numba or `NUMBA_DISABLE_JIT=1` use the plain-Python twins. Numba costs about 0.8 s
of a process's life (import, and machine code read from the cache), so it is not imported by
`import veristack_lab.kernels` but only once the work so far would have paid for it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths

Function = TypeVar("Function", bound=Callable[..., object])

NATIVE_PRICE_UNITS = 16 << 20
"""What importing numba costs, in units of one byte checksummed by the Python twin.

Measured: 0.6 to 1.2 s for numba and the cached machine code, 55 ns for a byte.
"""


@functools.cache
def jit_enabled() -> bool:
    """Whether kernels run as machine code in this process.

    Raises:
        InvalidInput: `VERISTACK_JIT` is neither `auto` nor `off`.
    """
    wanted = os.environ.get("VERISTACK_JIT") or "auto"
    if wanted not in ("auto", "off"):
        raise InvalidInput(f"VERISTACK_JIT is {wanted!r}; set it to auto or off, or unset it")
    if wanted == "off" or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return False
    # The kernels load and store words as the processor does; the log is little-endian.
    return sys.byteorder == "little" and importlib.util.find_spec("numba") is not None


def kernel(function: Function) -> Function:
    """Compile a function to machine code at its first call, without the GIL; else leave it.

    The machine code is cached in the lab's cache folder, in a subfolder named by the hash of
    all kernel sources: numba itself would not notice an edit in an imported module.
    """
    return _compiled(function, nogil=True)


def object_kernel(function: Function) -> Function:
    """As `kernel`, but with the GIL: for code that reads Python's objects where they lie."""
    return _compiled(function, nogil=False)


def _compiled(function: Function, *, nogil: bool) -> Function:
    if not jit_enabled():
        return function
    import numba

    with _decorating, _CacheFolder() as writable:
        return cast("Function", numba.njit(cache=writable, nogil=nogil)(function))


def inlined(function: Function) -> Function:
    """As `kernel`, for a piece of other kernels: its machine code goes into theirs.

    A call costs more than such a piece does, above all the counting of references to arrays.
    """
    if not jit_enabled():
        return function
    import numba

    return cast("Function", numba.njit(nogil=True, forceinline=True)(function))


class NativeBudget:
    """Use ("rent") the Python twin until its cost would have paid for the machine code.

    The classical answer to the ski-rental problem: never more than twice the cost of the best
    choice in hindsight. A short-lived process that writes ten records thus never imports numba.
    """

    def __init__(self, price_units: int) -> None:
        self.price_units = price_units
        self._spent_units = 0

    def pays(self, units: int) -> bool:
        """Whether this much more work should run as machine code. When it first does, numba is
        imported here."""
        if not jit_enabled():
            return False
        if self._spent_units < self.price_units:
            # Concurrent threads may lose an addition: the price is an estimate anyway.
            spent_units = self._spent_units + units
            if spent_units >= self.price_units:
                _load_numba()
            self._spent_units = spent_units
        return self._spent_units >= self.price_units

    def buy(self) -> None:
        """Use machine code from now on."""
        if jit_enabled():
            _load_numba()
        self._spent_units = self.price_units


_loading = threading.Lock()
_decorating = threading.RLock()


def _load_numba() -> None:
    """Import all of numba before any thread imports a part of it.

    Numba's modules import each other in circles. Two threads that enter the circle at different
    places see modules that are not finished, and numba stays broken for the whole process.
    """
    with _loading:
        import numba  # noqa: F401


native_budget = NativeBudget(NATIVE_PRICE_UNITS)


@functools.cache
def _cache_folder() -> Path | None:
    """The folder where machine code is cached, or None if it cannot be written."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    folder = paths.home() / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


class _CacheFolder:
    """Point numba's cache at our folder while one kernel is decorated.

    Numba's own default is `__pycache__` beside the source, which may be a read-only install.
    `NUMBA_CACHE_DIR`, when the user set it, is left alone. The setting is numba's own, for all
    threads: hold `_decorating`.
    """

    def __enter__(self) -> bool:
        config = sys.modules["numba"].config
        self._before = config.CACHE_DIR
        if self._before:
            return True
        folder = _cache_folder()
        config.CACHE_DIR = str(folder) if folder else ""
        return folder is not None

    def __exit__(self, *exc: object) -> None:
        sys.modules["numba"].config.CACHE_DIR = self._before
