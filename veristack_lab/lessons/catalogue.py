"""The notebooks that lessons belong to, in reading order. A new notebook adds one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput

_ID = re.compile(r"(\d\d)/([a-z][a-z0-9-]*)\Z")


@dataclass(frozen=True)
class Notebook:
    """One notebook, as the map of lessons shows it."""

    stem: str
    """The name of its file without `.ipynb`; its first two characters are its number."""
    question: str
    """What it asks."""

    @property
    def number(self) -> str:
        """Two digits: the beginning of every id of its predictions and tasks."""
        return self.stem[:2]

    @property
    def labs(self) -> tuple[str, ...]:
        """The names of the labs that belong to it."""
        return LABS.get(self.number, ())


NOTEBOOKS = (
    Notebook("00_start", "What is left of a database that is killed?"),
    Notebook("01_write_ahead_log", "What does it cost to be sure?"),
    Notebook("02_group_commit", "How can many writers share one disk sync?"),
    Notebook("03_cutting_the_power", "What may a disk hold after a power cut?"),
    Notebook("04_object_store", "How does a file of many parts appear in one moment?"),
    Notebook("05_s3_server", "What may many clients of one object store rely on?"),
    Notebook("10_prefix_cache", "Which engine should read this prompt?"),
    Notebook("20_training_jobs", "How does a training job survive the death of its process?"),
    Notebook("30_ingestion", "What does a reader see of a document whose worker dies?"),
)

LABS = {
    "01": ("01-crc32c", "02-append-and-recover"),
    "02": ("03-group-commit",),
    "03": ("02-append-and-recover",),
    "04": ("04-commit-point",),
    "05": ("04-commit-point",),
    "10": ("10-prefix-blocks",),
    "20": ("20-leases",),
    "30": ("30-offsets",),
}
"""The labs of each notebook, the one that it opens first. A new lab adds its name."""


def notebook(number: str) -> Notebook:
    """The notebook of a number such as "01", or of its whole stem.

    Raises:
        InvalidInput: there is none.
    """
    for known in NOTEBOOKS:
        if number in (known.number, known.stem):
            return known
    numbers = ", ".join(known.number for known in NOTEBOOKS)
    raise InvalidInput(f"there is no notebook {number!r}; the numbers are {numbers}")


def notebook_of(item_id: str) -> Notebook:
    """The notebook that a prediction or task belongs to.

    Raises:
        InvalidInput: the id is not of the form "01/name", or its notebook does not exist.
    """
    found = _ID.match(item_id)
    if found is None:
        raise InvalidInput(
            f"an id is the number of a notebook, a slash and a name in lower case, such as"
            f" '00/lost', not {item_id!r}"
        )
    return notebook(found[1])
