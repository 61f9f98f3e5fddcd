"""When numba is imported, what it is allowed to do, and where its cache goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processors
from tests.kernel_paths import needs_jit
from tests.waiting import PATIENCE_S
from veristack_lab import kernels
from veristack_lab.kernels import _jit

CHECK = (
    "from veristack_lab.kernels import crc32c, load; load(); "
    "assert crc32c.crc32c(bytes(9999)) == 0x3394096e; "
)
SHOW = "print(crc32c.tier(), hex(crc32c.crc32c(b'123456789')), 'numba' in sys.modules)"


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("VERISTACK_JIT", "NUMBA_DISABLE_JIT")}
    return subprocess.run(
        [sys.executable, "-c", "import sys; " + code],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_importing_the_kernels_imports_no_numba() -> None:
    code = "from veristack_lab.kernels import allocate, crc32c, records; crc32c.crc32c(b'a' * 999);"
    done = run(code + "print('numba' in sys.modules)")
    assert done.stdout.split() == ["False"], done.stderr


@pytest.mark.parametrize("env", [{"VERISTACK_JIT": "off"}, {"NUMBA_DISABLE_JIT": "1"}])
def test_switched_off_numba_is_never_imported(env: dict[str, str]) -> None:
    done = run(CHECK + SHOW, **env)
    assert done.stdout.split() == ["python", "0xe3069283", "False"], done.stderr


def test_without_numba_the_twins_work() -> None:
    done = run("sys.modules['numba'] = None; " + CHECK + SHOW.replace("in sys", "not in sys"))
    assert done.stdout.split() == ["python", "0xe3069283", "False"], done.stderr


def test_a_wrong_setting_is_named() -> None:
    done = run(CHECK, VERISTACK_JIT="perhaps")
    assert "VERISTACK_JIT is 'perhaps'; set it to auto or off" in done.stderr


def test_a_processor_without_the_instruction_does_not_abort() -> None:
    # Mentioning the instruction there would end the process in LLVM, beyond any `except`.
    done = run(CHECK + SHOW, **processors.processor(""))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["slicing-by-8", "0xe3069283", "True"]


@needs_jit
def test_what_the_host_lacks_is_named_and_never_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "host_features", lambda: frozenset({"crc32", "sse4.2"}))
    assert processors.lacking("+crc32,-avx512f,+vpclmulqdq,+sse4.2") == ["vpclmulqdq"]
    with pytest.raises(pytest.skip.Exception, match="lacks avx512f"):
        processors.processor("+crc32,+avx512f")
    assert processors.processor("+crc32,-avx512f")["NUMBA_CPU_FEATURES"] == "+crc32,-avx512f"


@needs_jit
def test_where_nothing_can_be_cached_kernels_still_compile(folder: Path) -> None:
    blocked = folder / "a-file"
    blocked.touch()
    done = run(CHECK + SHOW, VERISTACK_HOME=str(blocked / "home"))
    assert done.stdout.split()[1:] == ["0xe3069283", "True"], done.stderr


@needs_jit
def test_machine_code_is_kept_in_the_cache_folder_and_nowhere_else(folder: Path) -> None:
    package = Path(_jit.__file__).parent
    before = {path.name for path in package.rglob("*.nb?")}
    done = run(CHECK + SHOW, VERISTACK_HOME=str(folder))
    assert done.returncode == 0, done.stderr
    assert list((folder / "kernels").rglob("*.nbi"))
    assert {path.name for path in package.rglob("*.nb?")} == before


def test_the_budget_buys_once_the_rent_would_have_paid() -> None:
    budget = _jit.NativeBudget(price_units=100)
    answers = [budget.pays(40) for _ in range(4)]
    assert answers == ([False, False, True, True] if kernels.jit_enabled() else [False] * 4)


def test_warming_reports_every_kernel_and_its_progress() -> None:
    seen: list[tuple[int, int]] = []
    taken = kernels.warm(lambda done, total: seen.append((done, total)))
    assert seen == [(done, len(taken)) for done in range(1, len(taken) + 1)]
    if kernels.jit_enabled():
        assert "records.decode" in dict(taken)
        assert all(milliseconds >= 0 for _, milliseconds in taken)
    else:
        assert taken == []
