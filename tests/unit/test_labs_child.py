"""Whatever a learner's file does becomes one sentence.

The lab asks for `add(a, b)`, and for `halves(numbers)`, which returns a list and a number.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_lab
from veristack_lab.labs import runner
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.runner import FAILED, PASSED, WAITING, Outcome

CHECKS = """
import threading
from . import oracle
from veristack_lab.labs import pictures
from veristack_lab.labs.checking import FirstBad, bad, call, check, expect, raising_is_bad

@check("1", "small numbers")
def small(work):
    expect(work, "add", 1, 2, returns=3)

@check("1", "large numbers")
def large(work):
    expect(work, "add", 40, 60, returns=oracle.total(40, 60))

@check("2", "two parts")
def parts(work):
    found, count = call(work, "halves", [2, 4], expected="a list and how many")
    if found != [1, 2]:
        bad("[1, 2]", repr(found), picture=pictures.of_bits("halves", ("expected", 1), ("got", 2)))
    if count != 2:
        bad("a count of 2", repr(count))

@check("2", "whatever the kind")
def shaped(work):
    call(work, "halves", [], shape=([int], int))

@check("2", "two threads")
def threaded(work):
    if hasattr(work, "in_two_threads"):
        with raising_is_bad(work, "in_two_threads()", "an end"):
            work.in_two_threads()
"""
ADD = "def add(a, b):\n    return a + b\n"
HALVES = "def halves(numbers):\n    return [n // 2 for n in numbers], len(numbers)\n"
HALVES_AT = "line 4 of adding.py"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    files = {"oracle.py": "def total(*numbers):\n    return sum(numbers)\n"}
    return small_lab.make(tmp_path_factory.mktemp("labs"), ("add", "halves"), CHECKS, files)


def outcomes(lab: Lab, folder: Path, text: str, timeout_s: float | None = None) -> list[Outcome]:
    work = folder / "adding.py"
    work.write_text(text)
    return runner.run_checks(lab, work, timeout_s=timeout_s)


def sentence(lab: Lab, folder: Path, text: str, timeout_s: float | None = None) -> str:
    found = outcomes(lab, folder, text, timeout_s)
    return next(outcome.sentence for outcome in found if outcome.state == FAILED)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "def add(a, b):\n    return 3\n",
            "add(40 (0x00000028), 60 (0x0000003c)): expected 100 (0x00000064), got 3,"
            " at line 2 of adding.py: `return 3`",
        ),
        (
            "def add(a, b):\n    if a > 1:\n        return 100\n    a += b\n",
            "add(1, 2): expected 3, got None, at line 4 of adding.py: `a += b`",
        ),
        (
            "def add(a, b):\n    return float(a + b)\n",
            "add(1, 2): expected 3, got 3.0, at line 2 of adding.py: `return float(a + b)`",
        ),
        (
            "def add(a, b):\n    return a / 0\n",
            "add(1, 2): expected 3, got ZeroDivisionError: division by zero,"
            " at line 2 of adding.py: `return a / 0`",
        ),
        (
            "def plus(a, b):\n    return a + b\n",
            "add(1, 2): expected a function add, got the file has none of this name",
        ),
        (
            "def add(a):\n    return a\n",
            "add(1, 2): expected 3, got TypeError: add() takes 1 positional argument but 2 were"
            " given",
        ),
        (
            "import sys\ndef add(a, b):\n    sys.exit('done')\n",
            "add(1, 2): expected 3, got an end of the program: sys.exit('done'),"
            " at line 3 of adding.py: `sys.exit('done')`",
        ),
        (
            "import os\ndef add(a, b):\n    os._exit(0)\n",
            "add(1, 2): expected 3, got an end of the process: os._exit(0),"
            " at line 3 of adding.py: `os._exit(0)`",
        ),
        (
            "class Silent:\n    def __repr__(self):\n        return 1 / 0\n"
            "def add(a, b):\n    return Silent()\n",
            "add(1, 2): expected 3, got a Silent whose repr raises ZeroDivisionError: division by"
            " zero, at line 5 of adding.py: `return Silent()`",
        ),
        (
            "def add(a, b):\n    return input()\n",
            "add(1, 2): expected 3, got EOFError: EOF when reading a line,"
            " at line 2 of adding.py: `return input()`",
        ),
        (
            "def add(a, b):\n    return len(bytearray(1 << 40))\n",
            "add(1, 2): expected 3, got MemoryError: more memory than a lab may use,"
            " at line 2 of adding.py: `return len(bytearray(1 << 40))`",
        ),
        (
            "import os\ndef add(a, b):\n    return os.fork()\n",
            "add(1, 2): expected 3, got PermissionError: a lab's file may not start or signal a"
            " process (os.fork), at line 3 of adding.py: `return os.fork()`",
        ),
        (
            "def add(a, b):\n    return [open('/dev/null') for _ in range(999)]\n",
            "add(1, 2): expected 3, got OSError: [Errno 24] Too many open files: '/dev/null',"
            " at line 2 of adding.py: `return [open('/dev/null') for _ in range(999)]`",
        ),
        (
            "def add(a, b)\n    return a\n",
            "import adding.py: expected a file that runs, got SyntaxError: expected ':',"
            " at line 1 of adding.py: `def add(a, b)`",
        ),
        (
            "import no_such_thing\n",
            "import adding.py: expected a file that runs, got ModuleNotFoundError: No module named"
            " 'no_such_thing', at line 1 of adding.py: `import no_such_thing`",
        ),
        (
            "raise SystemExit(0)\n",
            "import adding.py: expected a file that runs, got an end of the program: sys.exit(0),"
            " at line 1 of adding.py: `raise SystemExit(0)`",
        ),
        (
            "def add(a, b):\n    return add(b, a)\n",
            "add(1, 2): expected 3, got RecursionError: maximum recursion depth exceeded,"
            " at line 2 of adding.py: `return add(b, a)`",
        ),
    ],
)
def test_the_first_bad_event_is_one_sentence(lab: Lab, folder: Path, text: str, told: str) -> None:
    assert sentence(lab, folder, text) == told


@pytest.mark.parametrize(
    ("halves", "told"),
    [
        (
            "pass",
            "halves([2, 4]): expected a list and how many, got None, which is not of that kind"
            " (TypeError: cannot unpack non-iterable NoneType object), at line 4 of adding.py",
        ),
        (
            "return [1]",
            "halves([2, 4]): expected a list and how many, got [1], which is not of that kind"
            " (ValueError: not enough values to unpack (expected 2, got 1)), at line 4",
        ),
        ("return (1, 2), 2", "halves([2, 4]): expected [1, 2], got (1, 2), at line 4"),
        (
            "return [n / 2 for n in numbers] or (), 2",
            "halves([]): expected a tuple of a list of int and int,"
            " got ((), 2), where number 1 is a tuple, at line 4",
        ),
        (
            "return [1, 2] if numbers else [None], 2",
            "halves([]): expected a tuple of a list of int and int,"
            " got ([None], 2), where number 1 is a list, at line 4",
        ),
    ],
)
def test_an_answer_of_another_shape_is_told_with_its_call(lab, folder, halves, told) -> None:
    found = sentence(lab, folder, f"{ADD}def halves(numbers):\n    {halves}\n")
    assert found.startswith(told)
    assert f"`{halves}`" in found


def test_an_error_in_a_helper_beside_the_file_is_told_with_its_line(lab, folder) -> None:
    (folder / "helper.py").write_text("def help_with(a):\n    return a.no_such_name\n")
    found = sentence(lab, folder, "import helper\ndef add(a, b):\n    return helper.help_with(a)\n")
    assert found.endswith("at line 2 of helper.py: `return a.no_such_name`")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "def add(a, b):\n    while True: pass\n",
            "add(1, 2): expected 3, got no end within 2 s, at line 2 of adding.py:"
            " `while True: pass`",
        ),
        (
            "while True:\n    pass\n",
            "import adding.py: expected a file that runs, got no end within 2 s, at line 1 of",
        ),
        (
            "import threading\nlock = threading.Lock()\n"
            "def add(a, b):\n    with lock, lock:\n        return a + b\n",
            "add(1, 2): expected 3, got no end within 2 s, at line 4 of adding.py:"
            " `with lock, lock:`",
        ),
        (
            "import ctypes\ndef add(a, b):\n    return ctypes.string_at(0)\n",
            "add(1, 2): expected 3, got the end of the process by SIGSEGV, at line 3 of adding.py:"
            " `return ctypes.string_at(0)`",
        ),
        (
            "import ctypes\ndef add(a, b):\n    ctypes.CDLL(None)._exit(7)\n",
            "add(1, 2): expected 3, got the end of the process, with code 7",
        ),
    ],
)
def test_a_hang_or_a_crash_is_told_with_its_line(lab: Lab, folder: Path, text, told) -> None:
    assert sentence(lab, folder, text, timeout_s=2).startswith(told)


def test_threads_that_wait_for_each_other_are_told_with_their_lines(lab: Lab, folder: Path) -> None:
    text = f"""{ADD}{HALVES}import threading
a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
def take(first, second):
    with first:
        both.wait()
        with second: pass
def in_two_threads():
    threads = [threading.Thread(target=take, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""
    found = sentence(lab, folder, text, timeout_s=3)
    assert "in_two_threads(): expected an end, got no end within 3 s, at line 14" in found
    assert "another thread at line 10 of adding.py: `with second: pass`" in found


def test_a_hang_in_one_check_costs_no_other_result(lab: Lab, folder: Path) -> None:
    text = f"def add(a, b):\n    while a == 1: pass\n    return a + b\n{HALVES}"
    states = [outcome.state for outcome in outcomes(lab, folder, text, timeout_s=2)]
    assert states == [FAILED, PASSED, PASSED, PASSED, PASSED]


def test_after_three_hangs_the_rest_is_left_waiting(lab: Lab, folder: Path) -> None:
    text = "def add(a, b):\n    while True: pass\ndef halves(numbers):\n    while True: pass\n"
    found = outcomes(lab, folder, text, timeout_s=2)
    assert [outcome.state for outcome in found] == [FAILED, FAILED, FAILED, WAITING]
    assert "3 checks before it" in found[-1].title


def test_what_is_printed_is_kept_by_check_and_bounded(lab: Lab, folder: Path) -> None:
    text = f"""print("hello")
import os, sys
def add(a, b):
    print("adding", a, file=sys.stderr)
    return a + b
def halves(numbers):
    for n in range(100_000): print(n)
    return HALVES(numbers)
{HALVES.replace("halves", "HALVES")}"""
    found = outcomes(lab, folder, text)
    assert {outcome.state for outcome in found} == {PASSED}
    assert found[0].printed == "hello\nadding 1\n"
    assert found[1].printed == "adding 40\n"
    assert found[2].printed.startswith("0\n1\n2\n")
    assert found[2].printed.endswith("... and more")
    assert len(found[2].printed) < 5000


def test_what_was_printed_before_a_crash_is_shown(lab: Lab, folder: Path) -> None:
    text = (
        "import os, ctypes\ndef add(a, b):\n    print('so far')\n    ctypes.CDLL(None)._exit(1)\n"
    )
    assert outcomes(lab, folder, text)[0].printed == "so far\n"


def test_a_picture_comes_with_the_outcome(lab: Lab, folder: Path) -> None:
    text = f"{ADD}def halves(numbers):\n    return numbers, 2\n"
    bad = next(outcome for outcome in outcomes(lab, folder, text) if outcome.state == FAILED)
    assert bad.picture is not None
    assert bad.picture["rows"] == [["expected", 1], ["got", 2]]


def test_a_file_of_endless_length_is_refused(lab: Lab, folder: Path) -> None:
    target = folder / "endless"
    text = f"def add(a, b):\n    with open({str(target)!r}, 'wb') as out:\n" + (
        "        while True: out.write(bytes(1 << 20))\n"
    )
    assert "OSError: [Errno 27] File too large" in sentence(lab, folder, text)
    assert target.stat().st_size <= 64 << 20
