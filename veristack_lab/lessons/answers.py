"""What this process knows of the learner: questions asked, answers given, tasks tried.

One record for each process. Views and displays subscribe to it, and are told when it changed, on
the thread that changed it. Where no learner is asked (see `places`), it answers every
question by its default and records nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from veristack_lab.lessons.places import is_asking, learner_folder
from veristack_lab.lessons.progress import Notes, Progress, Value
from veristack_lab.lessons.questions import Question

MAX_LISTENERS = 200
"""Displays of one process that are kept up to date; the oldest are dropped first."""

Listener = Callable[[], None]


@dataclass(frozen=True)
class Entry:
    """One question as it stands now."""

    question: Question
    answer: Value | None
    """None: not answered yet."""
    observed: Value | None
    """None: not looked at yet."""
    is_default: bool
    """Whether the answer is the default, because no learner is asked here."""

    @property
    def is_right(self) -> bool | None:
        """Whether the learner was right; None where that is not known, or no learner was asked."""
        if self.is_default or self.answer is None or self.observed is None:
            return None
        return self.question.is_right(self.answer, self.observed)


class Answers:
    """Questions and answers of this process, kept in a `Progress` where a learner is asked."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._questions: dict[str, Question] = {}
        self._answers: dict[str, Value] = {}
        self._observed: dict[str, Value] = {}
        self._listeners: dict[str, Listener] = {}

    @property
    def progress(self) -> Progress:
        """Where answers are recorded."""
        return Progress(learner_folder() / "progress")

    def notes(self) -> Notes:
        """All that was ever recorded; empty where no learner is asked."""
        return self.progress.read() if is_asking() else Notes()

    def ask(self, question: Question) -> Entry:
        """Enter a question; an answer that was recorded earlier counts."""
        earlier = self.notes().predictions.get(question.id)
        with self._lock:
            self._questions[question.id] = question
            self._answers.pop(question.id, None)
            self._observed.pop(question.id, None)
            if earlier is not None and _fits(question, earlier.value):
                self._answers[question.id] = earlier.value
        return self.entry(question.id)

    def entry(self, prediction_id: str) -> Entry:
        """A question that was asked in this process."""
        with self._lock:
            question = self._questions[prediction_id]
            answer, is_default = self._answers.get(prediction_id), False
            if answer is None and not is_asking():
                answer, is_default = question.default, True
            return Entry(question, answer, self._observed.get(prediction_id), is_default)

    def entries(self, number: str) -> list[Entry]:
        """The questions of one notebook that were asked in this process, in order."""
        with self._lock:
            ids = [each for each in self._questions if each.startswith(f"{number}/")]
            return [self.entry(each) for each in ids]

    def answer(self, prediction_id: str, answer: object) -> Value:
        """Record the learner's answer durably, and only then tell the listeners.

        The first answer counts: it is returned, whatever is answered later.

        Raises:
            InvalidInput: it is not a valid answer to the question, or the record cannot be read.
            WaitExpired: another process held the record all the time.
        """
        with self._lock:
            question = self._questions[prediction_id]
            value = question.parse(answer)
            earlier = self.progress.answer(prediction_id, value).value
            counts = earlier if _fits(question, earlier) else value
            self._answers.setdefault(prediction_id, counts)
        self._settle(prediction_id)
        self.tell()
        return self._answers[prediction_id]

    def observe(self, prediction_id: str, observed: object) -> Entry:
        """Note what happened. Raises InvalidInput if it could not have been predicted."""
        with self._lock:
            question = self._questions[prediction_id]
            self._observed[prediction_id] = question.parse(observed)
        self._settle(prediction_id)
        self.tell()
        return self.entry(prediction_id)

    def try_task(self, task_id: str, *, is_passed: bool) -> None:
        """Note that a task was checked; recorded where a learner is asked."""
        if is_asking():
            self.progress.try_task(task_id, is_passed=is_passed)
            self.tell()

    def forget(self, number: str) -> None:
        """Forget the answers and tasks of one notebook, here and in the record."""
        if is_asking():
            self.progress.forget(number)
        with self._lock:
            for mine in (self._answers, self._observed):
                for each in [each for each in mine if each.startswith(f"{number}/")]:
                    del mine[each]
        self.tell()

    def listen(self, key: str, listener: Listener) -> None:
        """Call the listener after each change, in place of the one that had this key."""
        with self._lock:
            self._listeners.pop(key, None)
            self._listeners[key] = listener
            while len(self._listeners) > MAX_LISTENERS:
                del self._listeners[next(iter(self._listeners))]

    def unlisten(self, key: str) -> None:
        """Call this listener no more."""
        with self._lock:
            self._listeners.pop(key, None)

    def tell(self) -> None:
        """Tell the listeners that something changed."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    def _settle(self, prediction_id: str) -> None:
        """Record whether a prediction was right, once both sides of it are known."""
        entry = self.entry(prediction_id)
        if entry.is_right is not None and entry.observed is not None:
            self.progress.observe(prediction_id, entry.observed, is_right=entry.is_right)


def _fits(question: Question, value: Value) -> bool:
    """Whether a recorded answer still answers the question, which may have been edited since."""
    return value in question.choices if question.choices else not isinstance(value, str)


ANSWERS = Answers()
