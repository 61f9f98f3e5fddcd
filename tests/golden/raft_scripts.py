"""Data-driven scripts of the Raft core: commands in plain text, and below each what it caused.

A line that begins with "  " is output. `python -m tests.golden.raft_scripts` runs every script in
`tests/golden/raft` and records the output anew; read the difference before committing it. The
manner is that of etcd-io/raft's interaction tests; the scripts are ours.

    cluster 1 2 3 [with 4 5] [NAME=VALUE ...]     a new network; NAMEs are those of Settings
    elect N | tick N                              N's election or heartbeat timer runs out
    pass N SECONDS | pass all SECONDS             clocks go on
    sync N [COUNT] | fail N                       the oldest writes become durable, or fail
    deliver A->B [KIND] | drop A->B [KIND]        the oldest such message arrives, or is lost;
                                                  A or B may be *; "all" in front: every such one
    repeat A->B [KIND]                            it arrives, and stays on its way
    settle                                        sync and deliver until nothing is on its way
    propose N DATA | read N | snapshot N | transfer N TO | change N CHANGE NODE
    restart N [damaged] [term-lost] | crash N COUNT
    status
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.raft_network import Broken, Network
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft.configuration import Change, ChangeKind, Configuration
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.events import Timer
from veristack_lab.veristore.raft.settings import Settings

FOLDER = Path(__file__).with_name("raft")
QUIET = (fx.SetTimer, fx.StopTimer)
MAX_DELIVERIES = 500
Core: type[Raft] = Raft
"""What the scripts run; a test puts a broken one here."""


def shown(value: Any) -> str:
    """A value as scripts show it."""
    if isinstance(value, Entry):
        name = f"{value.index}/{value.term}"
        kind = value.kind.name.lower()
        return f"{name}:{value.data.decode()}" if kind == "command" else f"{name}:{kind}"
    if isinstance(value, SnapshotMeta):
        return f"snapshot@{value.index}/{value.term}"
    if isinstance(value, Configuration):
        return "/".join(",".join(map(str, ids)) or "-" for ids in value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = [f"{k}={shown(v)}" for k, v in zip(value._fields, value, strict=True)]
        return " ".join([type(value).__name__, *fields])
    if isinstance(value, tuple):
        return "[" + " ".join(map(shown, value)) + "]"
    return str(value)


class Script(Network):
    """A network that writes down what each command causes."""

    def __init__(self, voters: tuple[int, ...], others: tuple[int, ...], settings: Settings):
        self.lines: list[str] = []
        super().__init__(voters, Core, settings, others)

    def _carry_out(self, member: Any, effect: fx.Effect) -> None:
        if not isinstance(effect, QUIET):
            self.lines.append(f"{member.node_id}: {shown(effect)}")
        super()._carry_out(member, effect)

    def chosen(self, link: str, kind: str) -> Iterator[int]:
        """Positions of the messages that a command speaks of."""
        sender, to = link.split("->")
        for at, (source, target, message) in enumerate(self.flight):
            fits = sender in ("*", str(source)) and to in ("*", str(target))
            if fits and kind in ("", type(message).__name__):
                yield at

    def one(self, what: str, link: str, kind: str) -> bool:
        """Deliver, drop or repeat the oldest message that fits."""
        at = next(self.chosen(link, kind), None)
        if at is None:
            return False
        source, target, message = self.flight[at]
        self.lines.append(f"({what} {source}->{target} {shown(message)})")
        if what == "drop":
            self.drop(at)
        else:
            self.deliver(at, keep=what == "repeat")
        return True

    def quiet(self) -> None:
        """Sync and deliver until nothing is on its way."""
        for _ in range(MAX_DELIVERIES):
            for node in self.members:
                self.sync(node)
            if not self.one("deliver", "*->*", ""):
                return
        raise Broken("the network does not come to rest")


def status(network: Script) -> None:
    """One line for each node."""
    for node, member in network.members.items():
        core = member.core
        mark = " must-not-vote" if core.must_not_vote else ""
        network.lines.append(
            f"{node}: {core.role} term={core.term} vote={core.vote} leader={core.leader} "
            f"last={core.log.last_index}/{core.log.last_term} durable={core.durable} "
            f"commit={core.commit} applied={core.applied} {shown(core.configuration)}{mark}"
        )


def made(words: list[str]) -> Script:
    """The network that `cluster ...` describes."""
    numbers = [word for word in words if "=" not in word]
    settings = Settings(election_low_s=0.2, election_high_s=0.2, kept_entries=0, chunk_bytes=16)
    for word in words:
        if "=" in word:
            name, _, value = word.partition("=")
            settings = settings._replace(**{name: type(getattr(settings, name))(float(value))})
    at = numbers.index("with") if "with" in numbers else len(numbers)
    voters, others = tuple(map(int, numbers[:at])), tuple(map(int, numbers[at + 1 :]))
    return Script(voters, others, settings)


def moved(network: Script, words: list[str]) -> None:
    """The commands about messages."""
    is_all = words[0] == "all"
    what, link, *kind = words[is_all:]
    found = network.one(what, link, kind[0] if kind else "")
    while is_all and network.one(what, link, kind[0] if kind else ""):
        pass
    if not found:
        network.lines.append("(no such message)")


def done(network: Script, words: list[str]) -> None:
    """Carry out one command."""
    name, rest = words[0], words[1:]
    if name in ("deliver", "drop", "repeat", "all"):
        moved(network, words)
        return
    if name in ("settle", "status"):
        network.quiet() if name == "settle" else status(network)
        return
    nodes = list(network.members) if rest[0] == "all" else [int(rest[0])]
    for node in nodes:
        member = network.members[node]
        if name == "elect":
            member.clock_s = max(member.clock_s, member.timers.get(Timer.ELECTION, 0.0))
            network.fire(node, Timer.ELECTION)
        elif name == "tick":
            network.fire(node, Timer.HEARTBEAT)
        elif name == "pass":
            network.pass_time(node, float(rest[1]))
        elif name == "sync":
            network.sync(node, *map(int, rest[1:]))
        elif name == "fail":
            token = member.disk.waiting[0].token
            network.lines += map(str, member.core.step(ev.PersistFailed(token, "EIO"), 0.0))
        else:
            asked(network, name, node, rest[1:])


def asked(network: Script, name: str, node: int, rest: list[str]) -> None:
    """The commands of clients and operators."""
    if name == "propose":
        network.propose(node, rest[0].encode())
    elif name == "read":
        network.read(node)
    elif name == "snapshot":
        network.take_snapshot(node)
    elif name == "transfer":
        network.step(node, ev.TransferAsked(int(rest[0])))
    elif name == "change":
        network.request += 1
        change = Change(ChangeKind(rest[0]), int(rest[1]))
        network.step(node, ev.ChangeAsked(network.request, change))
    elif name == "restart":
        lost = "term-lost" in rest
        network.restart(node, must_not_vote=lost or "damaged" in rest, term_lost=lost)
    elif name == "crash":
        network.half_crash(node, int(rest[0]))
    else:
        raise ValueError(f"no command {name}")


def run(text: str) -> str:
    """The script with its output as it is now."""
    network: Script | None = None
    out = []
    for line in text.splitlines():
        if line.startswith("  "):
            continue
        out.append(line)
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if words[0] == "cluster":
            network = made(words[1:])
        else:
            assert network is not None, "a script begins with a cluster"
            done(network, words)
        shown_lines = [] if words[0] == "cluster" else network.lines
        out += [f"  {each}" for each in shown_lines]
        network.lines = []
    return "\n".join(out).rstrip() + "\n"


def main() -> None:
    """Record every script anew."""
    for path in sorted(FOLDER.glob("*.txt")):
        before = path.read_text()
        after = run(before)
        path.write_text(after)
        sys.stdout.write(f"{path.name}: {'recorded' if before != after else 'unchanged'}\n")


if __name__ == "__main__":
    main()
