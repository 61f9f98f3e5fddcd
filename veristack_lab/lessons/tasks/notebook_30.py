"""The task of notebook 30: which passages a search may show."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals

STATUSES = ("PENDING", "PROCESSING", "READY", "FAILED")


def _visible(document: dict[str, object], chunk: dict[str, object], tenant: str) -> bool:
    return (
        document["status"] == "READY"
        and document["tenant"] == tenant
        and chunk["version"] == document["ready_version"]
    )


def _why(document: dict[str, object], chunk: dict[str, object], tenant: str) -> str:
    if document["status"] != "READY":
        return f"the document is {document['status']}"
    if document["tenant"] != tenant:
        return "the document belongs to another tenant"
    if not _visible(document, chunk, tenant):
        return "the passage is of another version than the one that is switched on"
    return "the passage is of the version that is switched on"


def _cases() -> Iterator[Case]:
    for status, version, tenant in itertools.product(STATUSES, (1, 2, 3), ("me", "you")):
        ready = 2 if status == "READY" else None
        document: dict[str, object] = {"status": status, "ready_version": ready, "tenant": "me"}
        chunk: dict[str, object] = {"version": version, "text": "a passage"}
        right = _visible(document, chunk, tenant)
        yield Case(
            (dict(document), dict(chunk), tenant), equals(right), _why(document, chunk, tenant)
        )


TASKS = (
    Task(
        id="30/is-visible",
        title="may search show this passage?",
        text=(
            "`document` is a row: `status`, `ready_version` (the version that is switched on, or"
            " None) and `tenant`. `chunk` is a passage with its `version`; a worker writes the"
            " passages of a version before it is switched on. Return True if a search of `tenant`"
            " may show the passage."
        ),
        starter="""\
@lessons.task("30/is-visible")
def is_visible(document: dict, chunk: dict, tenant: str) -> bool:
    if document["tenant"] != tenant:
        return False
    ...  # when is it ready, and which version may be shown?
    return True
""",
        hints=(
            "A document whose status is not READY shows nothing, whatever passages are there.",
            'Compare `chunk["version"]` with `document["ready_version"]`.',
        ),
        cases=_cases,
    ),
)
