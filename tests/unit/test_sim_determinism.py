"""Chance is kept out of simulated runs: by a guard at run time, and by reading the source."""

from __future__ import annotations

import ast
import os
import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FunctionType

import pytest

import veristack_lab
from veristack_lab.errors import NotDeterministic
from veristack_lab.sim.determinism import sealed

PACKAGE = Path(veristack_lab.__file__).parent
CORE = [
    "blame", "choices", "clocks", "delays", "history", "linearizability", "models", "nemesis",
    "network", "processes", "shrinking", "swarm", "trace", "wing_gong", "world",
]  # fmt: skip
READ = sorted(
    [
        *(PACKAGE / "sim" / f"{name}.py" for name in CORE),
        *(PACKAGE / "sim" / "cluster").rglob("*.py"),
        *(PACKAGE / "veristore" / "raft").rglob("*.py"),
    ]
)
FORBIDDEN = {"time", "random", "threading", "asyncio", "uuid", "secrets", "datetime", "_thread"}


@pytest.mark.parametrize(
    "use",
    [
        time.time, time.monotonic, time.perf_counter, time.time_ns, lambda: time.sleep(0),
        random.random, lambda: random.choice("ab"), lambda: random.shuffle([1]), random.Random,
        lambda: random.SystemRandom().random(), lambda: os.urandom(1), uuid.uuid4,
        lambda: secrets.token_bytes(4), lambda: threading.Thread(target=print).start(),
    ],
)  # fmt: skip
def test_chance_is_refused_inside_a_run_and_back_afterwards(use: Callable[[], object]) -> None:
    name = getattr(use, "__name__", "")
    called = use if name == "<lambda>" or isinstance(use, type) else _by_name(use)
    with sealed(), pytest.raises(NotDeterministic, match="inside a simulated run"):
        called()
    called()


def _by_name(use: Callable[[], object]) -> Callable[[], object]:
    """Look the function up in its module at each call, as code that imports the module does."""
    module = {"time": time, "random": random, "uuid": uuid}
    owner = next(each for each in module.values() if hasattr(each, use.__name__))
    if use.__name__ == "random":
        owner = random
    return lambda: getattr(owner, use.__name__)()


def test_a_random_with_a_seed_is_the_same_inside_and_outside() -> None:
    with sealed():
        inside = random.Random("seed").random()
    assert inside == random.Random("seed").random()


def test_everything_is_as_before_after_nested_runs_and_errors() -> None:
    before = (time.time, random.random, os.urandom, hash, id, random.Random.seed)
    with sealed():
        with sealed(), pytest.raises(NotDeterministic):
            time.time()
        with pytest.raises(NotDeterministic):
            time.time()
    with pytest.raises(RuntimeError), sealed():
        raise RuntimeError
    assert (time.time, random.random, os.urandom, hash, id, random.Random.seed) == before


def test_other_threads_go_on() -> None:
    entered, done = threading.Event(), threading.Event()
    seen: list[float] = []

    def beside() -> None:
        entered.wait()
        seen.append(time.monotonic())
        done.set()

    thread = threading.Thread(target=beside)
    thread.start()
    with sealed():
        entered.set()
        done.wait()
    thread.join()
    assert len(seen) == 1


def as_of(module: str, source: str) -> Callable[[], int]:
    """A function as if it stood in this module."""
    scope: dict[str, object] = {"__name__": module}
    exec(source, scope)
    use = scope["use"]
    assert isinstance(use, FunctionType)
    return use


@pytest.mark.parametrize("name", ["id", "hash"])
def test_addresses_and_hashes_are_refused_to_the_simulator_and_to_raft_only(name: str) -> None:
    source = f"def use():\n    return {name}('a')"
    inside = as_of("veristack_lab.veristore.raft.core", source)
    other = as_of("json.decoder", source)
    with sealed():
        with pytest.raises(NotDeterministic, match=rf"{name}\(\) in veristack_lab.veristore.raft"):
            inside()
        assert isinstance(other(), int)
    assert isinstance(inside(), int)


def test_a_class_of_the_simulator_may_have_a_hash() -> None:
    hashed = as_of(
        "veristack_lab.sim.x", "def __hash__():\n    return hash((1, 2))\nuse = __hash__"
    )
    with sealed():
        assert hashed() == hash((1, 2))


# ------------------------------------------------------------- by the source


def chance_in(source: str) -> list[str]:
    """What a source holds that could differ from run to run."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in FORBIDDEN]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN:
            found.append(node.module or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("id", "hash"):
                found.append(f"{node.func.id}() in line {node.lineno}")
            if node.func.id in ("list", "tuple", "next", "iter", "enumerate") and node.args:
                found += [f"the order of a set in line {node.lineno}"] * is_set(node.args[0])
        elif isinstance(node, ast.For | ast.comprehension) and is_set(node.iter):
            found.append(f"the order of a set in line {node.iter.lineno}")
        elif isinstance(node, ast.Starred) and is_set(node.value):
            found.append(f"the order of a set in line {node.lineno}")
    return found


def is_set(node: ast.expr) -> bool:
    """Whether an expression is a set by its looks."""
    if isinstance(node, ast.BinOp):
        return is_set(node.left) or is_set(node.right)
    return isinstance(node, ast.Set | ast.SetComp) or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("set", "frozenset")
    )


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_simulator_and_raft_hold_no_chance(path: Path) -> None:
    assert chance_in(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time", "import os, random", "from time import monotonic", "import asyncio.events",
        "from datetime import datetime", "for a in {1, 2}: pass", "[a for a in set(b)]",
        "list(set(a))", "x = [*frozenset(a)]", "hash(a)", "{id(a): 1}", "for a in set(b) - c: pass",
        "next(iter({a for a in b}))",
    ],
)  # fmt: skip
def test_chance_is_found(source: str) -> None:
    assert len(chance_in(source)) >= 1


def test_what_is_no_chance_is_not_found() -> None:
    assert chance_in("seen = set()\nif a in seen: pass\nfor a in sorted(set(b)): len({1, 2})") == []


def test_every_module_of_the_core_is_read() -> None:
    beside = {"__init__", "determinism", "places", "promises"}
    modules = {path.stem for path in (PACKAGE / "sim").glob("*.py")}
    assert modules - beside == set(CORE)
