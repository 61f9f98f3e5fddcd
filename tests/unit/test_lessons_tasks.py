"""The checks of the small tasks are checked: right answers of several styles pass, wrong ones fail.

Every variant is the source of a function, as a learner writes it. A wrong one names words of the
first bad event that must be shown.
"""

from __future__ import annotations

import ast
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.catalogue import NOTEBOOKS, notebook_of
from veristack_lab.lessons.tasks import registry
from veristack_lab.lessons.tasks.budget import TooManySteps, bounded
from veristack_lab.lessons.tasks.cases import Task, equals, show
from veristack_lab.lessons.tasks.verdicts import check

RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True)
class Variant:
    task: str
    what: str
    source: str
    shown: str = ""
    """Words of the verdict on a wrong one; a right one has none."""


VARIANTS = [
    Variant(
        "00/lost-writes",
        "a comprehension",
        """
def lost(acknowledged, found):
    return sorted(k for k, v in acknowledged.items() if k not in found or found[k] != v)
""",
    ),
    Variant(
        "00/lost-writes",
        "set arithmetic, returned as a tuple",
        """
def lost(acknowledged, found):
    missing = set(acknowledged.items()) - set(found.items())
    return tuple(sorted(key for key, _ in missing))
""",
    ),
    Variant(
        "00/lost-writes",
        "only keys are compared",
        "def lost(acknowledged, found):\n    return sorted(set(acknowledged) - set(found))",
        "an old value is a lost write too",
    ),
    Variant(
        "00/lost-writes",
        "a value of 0 is taken for none",
        """
def lost(acknowledged, found):
    return sorted(k for k, v in acknowledged.items() if (found.get(k) or 0) != v)
""",
        "a value of 0 can be lost",
    ),
    Variant(
        "00/lost-writes",
        "everything that differs, also what was never promised",
        """
def lost(acknowledged, found):
    keys = acknowledged.keys() | found.keys()
    return sorted(k for k in keys if acknowledged.get(k) != found.get(k))
""",
        "it may be there",
    ),
    Variant(
        "00/lost-writes",
        "not sorted",
        """
def lost(acknowledged, found):
    return [k for k in acknowledged if found.get(k) != acknowledged[k]]
""",
        "the names are sorted",
    ),
    Variant(
        "01/whole-records",
        "a loop",
        """
def whole_bytes(log):
    at = 0
    while len(log) - at >= 8:
        checksum, length = struct.unpack_from("<II", log, at)
        end = at + 8 + length
        if end > len(log) or zlib.crc32(log[at + 4 : end]) != checksum:
            break
        at = end
    return at
""",
    ),
    Variant(
        "01/whole-records",
        "recursion over what is left",
        """
def whole_bytes(log):
    if len(log) < 8:
        return 0
    size = 8 + int.from_bytes(log[4:8], "little")
    if size > len(log) or zlib.crc32(log[4:size]) != int.from_bytes(log[:4], "little"):
        return 0
    return size + whole_bytes(log[size:])
""",
    ),
    Variant(
        "01/whole-records",
        "the checksum is not looked at",
        """
def whole_bytes(log):
    at = 0
    while len(log) - at >= 8:
        end = at + 8 + struct.unpack_from("<II", log, at)[1]
        if end > len(log):
            break
        at = end
    return at
""",
        "a bit of the second payload is flipped",
    ),
    Variant(
        "01/whole-records",
        "the checksum covers the payload only",
        """
def whole_bytes(log):
    at = 0
    while len(log) - at >= 8:
        checksum, length = struct.unpack_from("<II", log, at)
        end = at + 8 + length
        if end > len(log) or zlib.crc32(log[at + 8 : end]) != checksum:
            break
        at = end
    return at
""",
        "one whole record",
    ),
    Variant(
        "01/whole-records",
        "a bad record is skipped",
        """
def whole_bytes(log):
    at = good = 0
    while len(log) - at >= 8:
        checksum, length = struct.unpack_from("<II", log, at)
        end = at + 8 + length
        if end > len(log):
            break
        if zlib.crc32(log[at + 4 : end]) == checksum:
            good = end
        at = end
    return good
""",
        "nothing after a bad record counts",
    ),
    Variant(
        "01/whole-records",
        "a torn header raises",
        """
def whole_bytes(log):
    at = 0
    while at < len(log):
        checksum, length = struct.unpack_from("<II", log, at)
        end = at + 8 + length
        if zlib.crc32(log[at + 4 : end]) != checksum:
            break
        at = end
    return at
""",
        "struct.error",
    ),
    Variant(
        "02/groups",
        "a counter",
        """
def groups(trace):
    sizes, waiting = [], 0
    for event in trace:
        if event == "write":
            waiting += 1
        elif event == "sync":
            sizes.append(waiting)
            waiting = 0
        elif event == "sync failed":
            break
    return sizes
""",
    ),
    Variant(
        "02/groups",
        "positions of the syncs",
        """
def groups(trace):
    if "sync failed" in trace:
        trace = trace[: trace.index("sync failed")]
    at = [-1] + [number for number, event in enumerate(trace) if event == "sync"]
    return [after - before - 1 for before, after in zip(at, at[1:])]
""",
    ),
    Variant(
        "02/groups",
        "what waits at the end counts too",
        """
def groups(trace):
    return [len(part.split()) for part in " ".join(trace).split("sync")]
""",
        "expected []",
    ),
    Variant(
        "02/groups",
        "a failed sync is tried again",
        """
def groups(trace):
    sizes, waiting = [], 0
    for event in trace:
        if event == "write":
            waiting += 1
        elif event == "sync":
            sizes.append(waiting)
            waiting = 0
    return sizes
""",
        "no later one can be believed",
    ),
    Variant(
        "02/groups",
        "a running total",
        """
def groups(trace):
    sizes, waiting = [], 0
    for event in trace:
        waiting += event == "write"
        if event == "sync":
            sizes.append(waiting)
    return sizes
""",
        "a group of one, then a group of two",
    ),
    Variant(
        "03/legal-images",
        "sets of what is possible",
        """
def may_be(operations, image):
    possible = [{""} for _ in image]
    newest = ["" for _ in image]
    for what, sector, value in operations:
        if what == "write":
            possible[sector].add(value)
            newest[sector] = value
        else:
            possible = [{value} for value in newest]
    return all(value in held for value, held in zip(image, possible))
""",
    ),
    Variant(
        "03/legal-images",
        "backwards from the end, sector by sector",
        """
def may_be(operations, image):
    for sector, value in enumerate(image):
        is_unsynced, allowed = True, []
        for what, at, written in reversed(operations):
            if what == "sync":
                is_unsynced = False
            elif at == sector:
                allowed.append(written)
                if not is_unsynced:
                    break
        else:
            allowed.append("")
        if value not in allowed:
            return False
    return True
""",
    ),
    Variant(
        "03/legal-images",
        "unsynced writes are always lost",
        """
def may_be(operations, image):
    newest = ["" for _ in image]
    durable = list(newest)
    for what, sector, value in operations:
        if what == "write":
            newest[sector] = value
        else:
            durable = list(newest)
    return durable == image
""",
        "may also be there",
    ),
    Variant(
        "03/legal-images",
        "writes reach the disk in their order",
        """
def may_be(operations, image):
    states, now = [["", "", ""]], ["", "", ""]
    for what, sector, value in operations:
        if what == "write":
            now = [*now[:sector], value, *now[sector + 1 :]]
            states.append(now)
        else:
            states = [now]
    return image in states
""",
        "the disk may write the second and not the first",
    ),
    Variant(
        "03/legal-images",
        "a sync adds nothing to what is certain",
        """
def may_be(operations, image):
    possible = [{""} for _ in image]
    for what, sector, value in operations:
        if what == "write":
            possible[sector].add(value)
    return all(value in held for value, held in zip(image, possible))
""",
        "a synced write must be there",
    ),
    Variant(
        "04/safe-order",
        "the order of the store",
        """
def steps(act, has_old):
    order = ["append record", "sync log"]
    if act == "put":
        order = ["write new", "sync new", "sync folder", *order]
    return [*order, "remove old"] if has_old else order
""",
    ),
    Variant(
        "04/safe-order",
        "the name first, and more syncs than needed",
        """
def steps(act, has_old):
    new = ("write new", "sync folder", "sync new", "sync folder") if act == "put" else ()
    old = ("remove old", "sync folder") if has_old else ()
    return (*new, "append record", "sync log", "sync log", *old)
""",
    ),
    Variant(
        "04/safe-order",
        "the old file goes first",
        """
def steps(act, has_old):
    order = ["write new", "sync new", "sync folder", "append record", "sync log"]
    if act == "delete":
        order = order[3:]
    return ["remove old", *order] if has_old else order
""",
        "the old content is gone",
    ),
    Variant(
        "04/safe-order",
        "the old file goes before the log is synced",
        """
def steps(act, has_old):
    new = ["write new", "sync new", "sync folder"] if act == "put" else []
    return [*new, "append record", *(["remove old"] if has_old else []), "sync log"]
""",
        "the record of the change may not be there",
    ),
    Variant(
        "04/safe-order",
        "the folder is forgotten",
        """
def steps(act, has_old):
    new = ["write new", "sync new"] if act == "put" else []
    return [*new, "append record", "sync log", *(["remove old"] if has_old else [])]
""",
        "the new content or its name not",
    ),
    Variant(
        "04/safe-order",
        "synced before it is written",
        """
def steps(act, has_old):
    new = ["sync new", "write new", "sync folder"] if act == "put" else []
    return [*new, "append record", "sync log", *(["remove old"] if has_old else [])]
""",
        "the new content or its name not",
    ),
    Variant(
        "04/safe-order",
        "the log is never synced",
        """
def steps(act, has_old):
    return ["write new", "sync new", "sync folder", "append record"]
""",
        "the change is not durable at the end",
    ),
    Variant(
        "04/safe-order",
        "the old file stays for ever",
        """
def steps(act, has_old):
    new = ["write new", "sync new", "sync folder"] if act == "put" else []
    return [*new, "append record", "sync log"]
""",
        "the old file is never removed",
    ),
    Variant(
        "05/common-prefixes",
        "a set",
        """
def listed(keys, prefix, delimiter):
    shown = set()
    for key in keys:
        if key.startswith(prefix):
            head, found, _ = key[len(prefix) :].partition(delimiter)
            shown.add(prefix + head + found)
    return sorted(shown)
""",
    ),
    Variant(
        "05/common-prefixes",
        "positions of the delimiter, and a list",
        """
def listed(keys, prefix, delimiter):
    shown = []
    for key in sorted(keys):
        if key[: len(prefix)] != prefix:
            continue
        at = key.find(delimiter, len(prefix))
        entry = key if at < 0 else key[: at + len(delimiter)]
        if entry not in shown:
            shown.append(entry)
    return sorted(shown)
""",
    ),
    Variant(
        "05/common-prefixes",
        "each key in full",
        """
def listed(keys, prefix, delimiter):
    return sorted(key for key in keys if key.startswith(prefix))
""",
        "two keys below a/ are one entry",
    ),
    Variant(
        "05/common-prefixes",
        "up to the first delimiter of the key",
        """
def listed(keys, prefix, delimiter):
    def cut(key):
        head, found, _ = key.partition(delimiter)
        return head + found
    return sorted({cut(key) for key in keys if key.startswith(prefix)})
""",
        "no slash follows",
    ),
    Variant(
        "05/common-prefixes",
        "the delimiter is left out",
        """
def listed(keys, prefix, delimiter):
    rests = [key[len(prefix) :] for key in keys if key.startswith(prefix)]
    return sorted({prefix + rest.split(delimiter)[0] for rest in rests})
""",
        "two keys below a/ are one entry",
    ),
    Variant(
        "05/common-prefixes",
        "the prefix is not looked at",
        """
def listed(keys, prefix, delimiter):
    shown = set()
    for key in keys:
        head, found, _ = key[len(prefix) :].partition(delimiter)
        shown.add(key[: len(prefix)] + head + found)
    return sorted(shown)
""",
        "expected ['a/1', 'a/2']",
    ),
    Variant(
        "10/shared-blocks",
        "block by block",
        """
def shared(one, two, block):
    count = 0
    for start in range(0, len(one), block):
        part = one[start : start + block]
        if len(part) < block or part != two[start : start + block]:
            break
        count += 1
    return count
""",
    ),
    Variant(
        "10/shared-blocks",
        "the common tokens, divided",
        """
def shared(one, two, block):
    tokens = 0
    for a, b in zip(one, two):
        if a != b:
            break
        tokens += 1
    return tokens // block
""",
    ),
    Variant(
        "10/shared-blocks",
        "half a block counts",
        """
def shared(one, two, block):
    count = 0
    for start in range(0, len(one), block):
        if one[start : start + block] != two[start : start + block]:
            break
        count += 1
    return count
""",
        "half a block counts for nothing",
    ),
    Variant(
        "10/shared-blocks",
        "equal blocks anywhere",
        """
def shared(one, two, block):
    def cut(tokens):
        return [tokens[at : at + block] for at in range(0, len(tokens) - block + 1, block)]
    return sum(a == b for a, b in zip(cut(one), cut(two)))
""",
        "equal blocks after a difference do not count",
    ),
    Variant(
        "10/shared-blocks",
        "tokens instead of blocks",
        """
def shared(one, two, block):
    count = 0
    while count < min(len(one), len(two)) and one[count] == two[count]:
        count += 1
    return count
""",
        "one whole block",
    ),
    Variant(
        "20/may-write",
        "one expression",
        """
def may_write(job, lease):
    is_latest = job["epoch"] == lease["epoch"]
    return job["state"] == "RUNNING" and is_latest and job["now_s"] < job["lease_until_s"]
""",
    ),
    Variant(
        "20/may-write",
        "three refusals",
        """
def may_write(job, lease):
    if job["state"] != "RUNNING":
        return False
    if lease["epoch"] != job["epoch"]:
        return False
    return not job["now_s"] >= job["lease_until_s"]
""",
    ),
    Variant(
        "20/may-write",
        "the worker's own clock",
        """
def may_write(job, lease):
    has_time = lease["own_clock_s"] < job["lease_until_s"]
    return job["state"] == "RUNNING" and job["epoch"] == lease["epoch"] and has_time
""",
        "what the worker's own clock says does not matter",
    ),
    Variant(
        "20/may-write",
        "no epoch",
        """
def may_write(job, lease):
    return job["state"] == "RUNNING" and job["now_s"] < job["lease_until_s"]
""",
        "the lease is of another epoch",
    ),
    Variant(
        "20/may-write",
        "a higher epoch is as good",
        """
def may_write(job, lease):
    is_late = job["now_s"] >= job["lease_until_s"]
    return job["state"] == "RUNNING" and lease["epoch"] >= job["epoch"] and not is_late
""",
        "the lease is of another epoch",
    ),
    Variant(
        "20/may-write",
        "the last moment included",
        """
def may_write(job, lease):
    has_time = job["now_s"] <= job["lease_until_s"]
    return job["state"] == "RUNNING" and job["epoch"] == lease["epoch"] and has_time
""",
        "the time of the lease is over",
    ),
    Variant(
        "30/is-visible",
        "one expression",
        """
def is_visible(document, chunk, tenant):
    is_ready = document["status"] == "READY" and document["ready_version"] == chunk["version"]
    return is_ready and document["tenant"] == tenant
""",
    ),
    Variant(
        "30/is-visible",
        "the version alone, because it is None unless the document is ready",
        """
def is_visible(document, chunk, tenant):
    return (document["tenant"], document["ready_version"]) == (tenant, chunk["version"])
""",
    ),
    Variant(
        "30/is-visible",
        "any version of a document that is ready",
        """
def is_visible(document, chunk, tenant):
    return document["tenant"] == tenant and document["status"] == "READY"
""",
        "another version than the one that is switched on",
    ),
    Variant(
        "30/is-visible",
        "the newest version",
        """
def is_visible(document, chunk, tenant):
    if document["tenant"] != tenant or document["status"] != "READY":
        return False
    return chunk["version"] >= document["ready_version"]
""",
        "another version than the one that is switched on",
    ),
    Variant(
        "30/is-visible",
        "no tenant",
        """
def is_visible(document, chunk, tenant):
    return document["status"] == "READY" and document["ready_version"] == chunk["version"]
""",
        "belongs to another tenant",
    ),
    Variant(
        "30/is-visible",
        "0 for False",
        """
def is_visible(document, chunk, tenant):
    return int(document["ready_version"] == chunk["version"] and document["tenant"] == tenant)
""",
        "expected False, got 0",
    ),
]


def function_of(source: str) -> Callable[..., object]:
    """The one function that a cell defines, without the decorator that would check it."""
    tree = ast.parse(source)
    (defined,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    defined.decorator_list = []
    names: dict[str, object] = {"struct": struct, "zlib": zlib}
    exec(compile(tree, "<cell>", "exec"), names)
    made = names[defined.name]
    assert callable(made)
    return made


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v.task} {v.what}")
def test_the_verdict_on_each_variant(variant: Variant) -> None:
    verdict = check(registry.find(variant.task), function_of(variant.source))
    if variant.shown:
        assert not verdict.is_passed
        assert variant.shown in str(verdict)
    else:
        assert verdict.is_passed, str(verdict)
        assert str(verdict) == f"task {variant.task}: passed ({verdict.cases} cases)"


@pytest.mark.parametrize("task", registry.TASKS, ids=lambda task: task.id)
def test_a_task_is_small_and_its_checks_are_checked(task: Task) -> None:
    kinds = [WRONG if v.shown else RIGHT for v in VARIANTS if v.task == task.id]
    assert kinds.count(WRONG) >= 3
    assert kinds.count(RIGHT) >= 2
    assert 5 <= len(task.starter.splitlines()) <= 15
    assert len(task.hints) == 2
    assert f'@lessons.task("{task.id}")' in task.starter
    assert not check(task, function_of(task.starter)).is_passed
    notebook_of(task.id)


def test_every_notebook_has_a_task() -> None:
    assert {task.id[:2] for task in registry.TASKS} == {each.number for each in NOTEBOOKS}
    assert len({task.id for task in registry.TASKS}) == len(registry.TASKS)


def test_an_unknown_task_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InvalidInput, match="there is no task '01/x'; there are: 00/lost-writes"):
        registry.find("01/x")


LOOPS = {
    "on one line": "def f(a, b):\n    while True: pass",
    "on two": "def f(a, b):\n    while True:\n        pass",
    "that catches what it can": """
def f(a, b):
    while True:
        try:
            a[0]
        except Exception:
            continue
""",
    "without an end in a comprehension": """
def f(a, b):
    import itertools
    return [0 for _ in itertools.count()]
""",
}


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
def test_an_endless_loop_is_stopped_and_its_line_named(source: str) -> None:
    verdict = check(registry.find("00/lost-writes"), function_of(source))
    assert not verdict.is_passed
    assert "no end within 500,000 steps (line" in verdict.got
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())


def test_a_budget_counts_what_is_called_too() -> None:
    def outer() -> int:
        return sum(inner(n) for n in range(100))

    def inner(number: int) -> int:
        return number

    assert bounded(outer, steps=10_000) == 4950
    with pytest.raises(TooManySteps):
        bounded(outer, steps=300)


@pytest.mark.parametrize(
    ("source", "got"),
    [
        ("def f(a, b):\n    a.nothing", "'nothing' (line 2)"),
        ("def f(a, b):\n    x = 1\n    return f(a, b)", "calls itself without end"),
        ("def f(a, b):\n    raise SystemExit", "a call of exit() (line 2)"),
        ("def f(a, b):\n    pass", "None (no return?)"),
        ("def f(a):\n    return []", "takes 1 positional argument but 2 were given"),
        ("def f(a, b):\n    return {}", "got {}"),
    ],
)
def test_the_first_bad_event_says_what_came(source: str, got: str) -> None:
    verdict = check(registry.find("00/lost-writes"), function_of(source))
    assert got in str(verdict)
    assert verdict.called == "f({'a': 1}, {'a': 1})"


def test_what_the_function_prints_is_kept_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    source = "def f(a, b):\n    print('looking at', a)\n    return 'x'"
    verdict = check(registry.find("00/lost-writes"), function_of(source))
    assert verdict.printed == "looking at {'a': 1}\n"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("expected", "got", "is_right"),
    [
        ([1, 2], (1, 2), True),
        ([1, 2], {1, 2}, False),
        ([1], [True], False),
        (True, 1, False),
        (0, False, False),
        (b"a", bytearray(b"a"), True),
        ({"a": 1}, {"a": 1}, True),
        ({1}, frozenset({1}), True),
        ("a", b"a", False),
    ],
)
def test_what_counts_as_the_same(expected: object, got: object, is_right: bool) -> None:
    assert (equals(expected)(got) is None) is is_right


def test_a_long_value_is_shown_on_one_short_line() -> None:
    assert show("x\n" * 1000).endswith("...")
    assert len(show(list(range(1000)))) == 203
