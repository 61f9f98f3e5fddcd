"""The task of notebook 04: a safe order for the steps of a put and of a delete.

Many orders are right. The judge knows none of them: it carries the steps out on a model of a
disk, cuts the power after each, and asks what a reader would find.
"""

from __future__ import annotations

from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Judge, Task, show

WRITE, SYNC, FOLDER = "write new", "sync new", "sync folder"
APPEND, LOG, REMOVE = "append record", "sync log", "remove old"
STEPS = (WRITE, SYNC, FOLDER, APPEND, LOG, REMOVE)


class _Disk:
    """What is certain after a power cut, and what is merely possible."""

    def __init__(self) -> None:
        self.is_written = self.is_synced = self.is_named = False
        self.is_appended = self.is_committed = self.is_removed = False

    def do(self, step: str) -> None:
        if step == WRITE:
            self.is_written, self.is_synced = True, False
        elif step == SYNC:
            self.is_synced = self.is_written
        elif step == FOLDER:
            self.is_named = self.is_written
        elif step == APPEND:
            self.is_appended = True
        elif step == LOG:
            self.is_committed = self.is_appended
        else:
            self.is_removed = True

    def harm(self, needs_content: bool) -> str | None:
        """What a power cut at this moment may destroy."""
        if needs_content and self.is_appended and not (self.is_synced and self.is_named):
            return "the record may be on the disk, and the new content or its name not"
        if self.is_removed and not self.is_committed:
            return "the old content is gone, and the record of the change may not be there"
        return None


def _judge(act: str, has_old: bool) -> Judge:
    def judge(got: object) -> str | None:
        if not isinstance(got, list | tuple) or not all(step in STEPS for step in got):
            return f"a list of steps from {show(list(STEPS))}"
        if REMOVE in got and not has_old:
            return "no step that removes an old file: there is none"
        if act == "delete" and WRITE in got:
            return "no new content: a delete writes none"
        disk = _Disk()
        for number, step in enumerate(got, 1):
            disk.do(step)
            if harm := disk.harm(act == "put"):
                return (
                    f"another order: after step {number} ({step!r}) a power cut is harmful: {harm}"
                )
        if not disk.is_committed:
            return f"{LOG!r} after {APPEND!r}: the change is not durable at the end"
        if has_old and not disk.is_removed:
            return f"{REMOVE!r} in it: the old file is never removed"
        return None

    return judge


def _cases() -> Iterator[Case]:
    yield Case(("put", False), _judge("put", has_old=False), "a new object")
    yield Case(("put", True), _judge("put", has_old=True), "an object is overwritten")
    yield Case(("delete", True), _judge("delete", has_old=True), "an object is deleted")


TASKS = (
    Task(
        id="04/safe-order",
        title="a safe order of steps",
        text=(
            '`act` is "put" or "delete"; `has_old` says whether there is an old content file.'
            ' Return the steps, in order, as a list of: "write new", "sync new", "sync folder"'
            ' (makes the name of the new file durable), "append record", "sync log", "remove'
            ' old". After a power cut between any two steps, a reader must find the old object or'
            " the new one; at the end the change is durable and the old file removed."
        ),
        starter="""\
@lessons.task("04/safe-order")
def steps(act: str, has_old: bool) -> list:
    order = ["append record", "sync log"]
    if act == "put":
        order = ["write new", "sync new", "sync folder", *order]
    if has_old:
        order = ["remove old", *order]  # is this the right place?
    return order
""",
        hints=(
            "A record must never point to something that may not be there.",
            "The old file may go when the record of the change is durable: not before the log is"
            " synced.",
        ),
        cases=_cases,
    ),
)
