"""What the job API says, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from veristack_lab.runtime.counting import counted

COLOURS = {
    "QUEUED": "yellow",
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "LOST": "red",
    "CANCELLED": "bright_black",
    "RELEASED": "bright_black",
}
EVENTS_SHOWN = 30

Document = Mapping[str, Any]


def submitted(document: Document) -> None:
    """A job in one line."""
    job = document["job"]
    note = " (seen before)" if job["replayed"] else ""
    Console().print(job["job_id"], _state(job["state"]), Text(job["name"] + note))


def listing(documents: Sequence[Document]) -> None:
    """Jobs as a table."""
    table = Table(box=None)
    table.add_column("job", no_wrap=True, min_width=36)
    for title in ("name", "workload", "state", "attempts", "seconds"):
        table.add_column(title)
    for document in documents:
        job = document["job"]
        table.add_row(
            job["job_id"],
            Text(job["name"]),
            job["spec"]["workload"],
            _state(job["state"]),
            f"{job['attempts']}/{job['max_attempts']}",
            _seconds(job["created_at"], job["finished_at"]),
        )
    Console().print(table if documents else "no jobs")


def whole(document: Document) -> None:
    """A job with its runs, history and result."""
    console = Console()
    submitted(document)
    if document["runs"]:
        console.print(_runs(document["runs"]))
    events = document["events"]
    if len(events) > EVENTS_SHOWN:
        console.print(f"... {counted(len(events) - EVENTS_SHOWN, 'earlier event')}")
    console.print(_events(document["job"]["created_at"], events[-EVENTS_SHOWN:]))
    if document["metrics"]:
        last = document["metrics"][-1]
        console.print(Text(f"step {last['step']}: {_pairs(last['measured'])}"))
    if document["job"]["result"]:
        console.print(Text(f"result: {_pairs(document['job']['result'])}"))


def why(document: Document) -> None:
    """An explanation."""
    console = Console()
    console.print(_state(document["state"]), Text(document["headline"]))
    for reason in document["reasons"]:
        console.print(Text(f"  - {reason}"))


def _runs(runs: Sequence[Document]) -> Table:
    table = Table("epoch", "attempt", "state", "scheduler", "pid", "seconds", "reason", box=None)
    for run in runs:
        table.add_row(
            str(run["epoch"]),
            str(run["attempt"]),
            _state(run["state"]),
            run["scheduler_id"],
            str(run["pid"] or ""),
            _seconds(run["started_at"], run["finished_at"]),
            Text(run["reason"] or ""),
        )
    return table


def _events(created_at: str, events: Sequence[Document]) -> Table:
    table = Table("at s", "event", "", box=None)
    for event in events:
        payload = {
            key: value[:12] if key == "sha256" else value
            for key, value in event["payload"].items()
            if key != "spec"
        }
        table.add_row(_seconds(created_at, event["at"]), event["type"], Text(_pairs(payload)))
    return table


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )


def _seconds(start: str, end: str | None) -> str:
    if end is None:
        return ""
    took = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return f"{took.total_seconds():.1f}"


def _state(state: str) -> Text:
    return Text(state, style=COLOURS.get(state, ""))
