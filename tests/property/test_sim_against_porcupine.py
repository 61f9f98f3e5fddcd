"""The linearizability checker agrees with Porcupine, where Go can build it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import pytest

from tests.property.test_sim_linearizability import honest_history
from veristack_lab.sim.choices import Choices, Stream
from veristack_lab.sim.history import UNKNOWN, Operation
from veristack_lab.sim.linearizability import check_linearizable
from veristack_lab.sim.models import CompareAndSet, Delete, Read, Write

PORCUPINE = "github.com/anishathalye/porcupine@v1.3.1"
SOURCE = Path(__file__).resolve().parents[1] / "porcupine" / "main.go"
BUILD_S = 300
HISTORIES = 400
NONE, NEVER = -1, 10**12
KINDS = {Read: "read", Write: "write", Delete: "delete", CompareAndSet: "compare"}

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def porcupine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built in a temporary folder."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go on the PATH to build Porcupine with")
    folder = tmp_path_factory.mktemp("porcupine")
    shutil.copy(SOURCE, folder)
    for argv in (["mod", "init", "oracle"], ["get", PORCUPINE], ["build", "-o", "oracle", "."]):
        done = subprocess.run(
            [go, *argv], cwd=folder, capture_output=True, text=True, timeout=BUILD_S
        )
        if done.returncode and argv[0] == "get":
            pytest.skip(f"Go cannot fetch Porcupine here: {done.stderr[-300:]}")
        assert done.returncode == 0, done.stderr
    return folder / "oracle"


def by_porcupine(program: Path, histories: Sequence[Sequence[Operation]]) -> list[bool]:
    rows = [[as_json(operation, history) for operation in history] for history in histories]
    done = subprocess.run(
        [program], input=json.dumps(rows), capture_output=True, text=True, check=True
    )
    verdicts: list[bool] = json.loads(done.stdout)
    return verdicts


def as_json(operation: Operation, history: Sequence[Operation]) -> dict[str, Any]:
    moments = sorted({each for one in history for each in (one.call, one.returned) if each < inf})
    order = {moment: place for place, moment in enumerate(moments)}
    value = getattr(operation.action, "value", None)
    expected = getattr(operation.action, "expected", None)
    known = operation.result is not UNKNOWN
    told = operation.result if known else None
    return {
        "Kind": KINDS[type(operation.action)],
        "Value": NONE if value is None else value,
        "Expected": NONE if expected is None else expected,
        "Known": known,
        "Told": NONE if told is None else int(told),
        "Call": order[operation.call],
        "Return": order.get(operation.returned, NEVER),
    }


def perhaps_false(stream: Stream, history: list[Operation]) -> list[Operation]:
    """The history of a correct store, or one in which a client was told something else."""
    told = [
        place
        for place, each in enumerate(history)
        if isinstance(each.action, Read | CompareAndSet) and each.result is not UNKNOWN
    ]
    if not told or stream.chance(0.3):
        return history
    place = stream.pick(told)
    each = history[place]
    other: Any = not each.result
    if isinstance(each.action, Read):
        near = history[max(0, place - 5) : place + 5]
        other = stream.pick([None, *(getattr(one.action, "value", None) for one in near)])
    return [*history[:place], each._replace(result=other), *history[place + 1 :]]


def test_the_checker_agrees_with_porcupine(porcupine: Path) -> None:
    histories = []
    for seed in range(HISTORIES):
        stream = Choices(seed).stream("porcupine")
        clients, unknown = stream.number(2, 6), stream.between(0.0, 0.1)
        honest = honest_history(stream, stream.number(5, 60), 1, clients, unknown)
        histories.append(perhaps_false(stream, honest))
    expected = by_porcupine(porcupine, histories)
    verdicts = [check_linearizable(history) for history in histories]
    assert all(verdict.outcome != "gave up" for verdict in verdicts)
    assert [verdict.ok for verdict in verdicts] == expected
    assert 0.2 < sum(expected) / len(expected) < 0.9, "both answers must be asked for"
