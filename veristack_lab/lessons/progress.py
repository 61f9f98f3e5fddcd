"""What a learner has predicted and solved in the notebooks, in one JSON file.

Every change reads the file under a lock, writes the new content to a temporary name, syncs it,
renames it and syncs the folder. **The rename is the commit point**: a reader sees the old file
or the new one, whole. The progress of the labs is in the file of their `Workbench`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.files import locked, replace_atomically

VERSION = 1

Value = int | float | str


@dataclass(frozen=True)
class Guess:
    """A prediction that was made, and what became of it."""

    value: Value
    observed: Value | None = None
    """What happened; None until the result was looked at."""
    is_right: bool | None = None


@dataclass(frozen=True)
class Trial:
    """A task that was tried."""

    tries: int
    is_passed: bool
    """At any of the tries."""


@dataclass(frozen=True)
class Notes:
    """Everything that is recorded, by id."""

    predictions: dict[str, Guess] = field(default_factory=dict)
    tasks: dict[str, Trial] = field(default_factory=dict)


class Progress:
    """The notes in a folder, which is made when something is first recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "notebooks.json"

    def __repr__(self) -> str:
        return f"<Progress {self.path}>"

    def read(self) -> Notes:
        """The notes so far; empty where nothing was recorded.

        Raises:
            InvalidInput: the file is damaged, or of another version.
        """
        try:
            data = json.loads(self.path.read_text())
            if data["version"] != VERSION:
                raise InvalidInput(
                    f"{self.path} is of version {data['version']}, and version {VERSION} is read"
                    " here: upgrade the lab, or choose another folder with VERISTACK_LEARNER"
                )
            return Notes(
                {key: Guess(**row) for key, row in data["predictions"].items()},
                {key: Trial(**row) for key, row in data["tasks"].items()},
            )
        except FileNotFoundError:
            return Notes()
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"{self.path} cannot be read ({error}); move it away and begin again"
            ) from error
        except AttributeError as error:
            raise InvalidInput(
                f"{self.path} is not a file of progress; move it away and begin again"
            ) from error

    def answer(self, prediction_id: str, value: Value) -> Guess:
        """Record a prediction durably; an earlier one stays, and is returned instead.

        Raises:
            InvalidInput: the file cannot be read.
            WaitExpired: another process held the lock all the time.
        """
        after = self._change(
            lambda notes: (
                notes
                if prediction_id in notes.predictions
                else replace(notes, predictions={**notes.predictions, prediction_id: Guess(value)})
            )
        )
        return after.predictions[prediction_id]

    def observe(self, prediction_id: str, observed: Value, *, is_right: bool) -> None:
        """Record what became of a prediction; nothing, if there is none. Raises as `answer`."""

        def change(notes: Notes) -> Notes:
            guess = notes.predictions.get(prediction_id)
            if guess is None:
                return notes
            seen = replace(guess, observed=observed, is_right=is_right)
            return replace(notes, predictions={**notes.predictions, prediction_id: seen})

        self._change(change)

    def try_task(self, task_id: str, *, is_passed: bool) -> Trial:
        """Record a try of a task; a task that has passed once stays passed. Raises as `answer`."""

        def change(notes: Notes) -> Notes:
            before = notes.tasks.get(task_id, Trial(0, is_passed=False))
            trial = Trial(before.tries + 1, is_passed=before.is_passed or is_passed)
            return replace(notes, tasks={**notes.tasks, task_id: trial})

        return self._change(change).tasks[task_id]

    def forget(self, number: str) -> None:
        """Remove the predictions and tasks of one notebook. Raises as `answer`."""
        begin = f"{number}/"

        def change(notes: Notes) -> Notes:
            return Notes(
                {k: row for k, row in notes.predictions.items() if not k.startswith(begin)},
                {k: row for k, row in notes.tasks.items() if not k.startswith(begin)},
            )

        self._change(change)

    def _change(self, change: Callable[[Notes], Notes]) -> Notes:
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "notebooks.lock"):
            before = self.read()
            after = change(before)
            if after != before:
                self._write(after)
            return after

    def _write(self, notes: Notes) -> None:
        text = json.dumps({"version": VERSION, **asdict(notes)}, indent=2) + "\n"
        replace_atomically(self.path, text.encode())
