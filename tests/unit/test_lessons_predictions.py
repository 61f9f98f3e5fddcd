"""Predictions without a browser: recorded first, revealed after; defaults where none is asked."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.waiting import PATIENCE_S
from veristack_lab import lessons
from veristack_lab.errors import InvalidInput, WaitExpired
from veristack_lab.lessons import places
from veristack_lab.lessons.answers import ANSWERS, Entry
from veristack_lab.lessons.marking import marked
from veristack_lab.lessons.prediction_view import PredictionView
from veristack_lab.lessons.progress import Guess, Progress, Trial
from veristack_lab.lessons.questions import make
from veristack_lab.runtime import files, paths


@pytest.fixture(autouse=True)
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A learner's folder, and a book without an entry."""
    monkeypatch.setenv(places.LEARNER, str(tmp_path / "learner"))
    monkeypatch.delenv(places.MODE, raising=False)
    ANSWERS.__init__()  # type: ignore[misc]  # as in a new process
    yield tmp_path / "learner"
    ANSWERS.__init__()  # type: ignore[misc]


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.MODE, places.ASK)


def ask_about_losses() -> lessons.Prediction:
    return lessons.predict("00/lost", "How many are lost?", unit="writes", within=1)


# ------------------------------------------------------------------ no learner is asked


def test_without_a_front_end_the_default_answers_and_says_so(
    capsys: pytest.CaptureFixture[str], learner: Path
) -> None:
    guess = ask_about_losses()
    guess.reveal(3)
    assert repr(guess) == "<Prediction 00/lost: default 0 writes>"
    assert capsys.readouterr().out.splitlines() == [
        "00/lost: How many are lost? No learner is asked here; the default is taken: 0 writes",
        "00/lost: 3 writes; the default was 0 writes, no learner was asked",
    ]
    card = lessons.scorecard()
    assert repr(card) == "00_start: 1 prediction, answered by default and not scored"
    assert not learner.exists()


def test_a_task_is_not_recorded_without_a_front_end(
    capsys: pytest.CaptureFixture[str], learner: Path
) -> None:
    @lessons.task("00/lost-writes")
    def lost(acknowledged: dict[str, int], found: dict[str, int]) -> list[str]:
        return sorted(k for k in acknowledged if found.get(k) != acknowledged[k])

    assert capsys.readouterr().out == "task 00/lost-writes: passed (27 cases)\n"
    assert lost({"a": 1}, {}) == ["a"]  # the function is still the learner's
    assert not learner.exists()


# ------------------------------------------------------------------ a learner is asked


@pytest.mark.usefixtures("asking")
def test_a_result_is_covered_until_the_answer_is_recorded(
    capsys: pytest.CaptureFixture[str], learner: Path
) -> None:
    guess = ask_about_losses()
    capsys.readouterr()
    guess.reveal(3, "the picture")
    assert guess.answer is None
    assert repr(guess) == "<Prediction 00/lost: not answered yet>"
    assert capsys.readouterr().out == "Predict first: How many are lost?\n"
    assert repr(lessons.scorecard()) == "00_start: 1 prediction, 0 answered, 0 of 0 right"

    ANSWERS.answer("00/lost", "4")
    assert guess.answer == 4
    guess.reveal(3, "the picture")
    assert capsys.readouterr().out == (
        "00/lost: you predicted 4 writes, and it was 3 writes: right (within 1 write)\n"
        "the picture\n"
    )
    assert repr(lessons.scorecard("00")) == "00_start: 1 prediction, 1 answered, 1 of 1 right"
    kept = json.loads((learner / "progress" / "notebooks.json").read_text())
    assert kept["predictions"] == {"00/lost": {"value": 4, "observed": 3, "is_right": True}}


@pytest.mark.usefixtures("asking")
def test_the_first_answer_counts_and_outlives_the_process() -> None:
    ask_about_losses()
    ANSWERS.answer("00/lost", 4)
    assert ANSWERS.answer("00/lost", 0) == 4
    ANSWERS.__init__()  # type: ignore[misc]  # a new kernel
    assert ask_about_losses().answer == 4
    ANSWERS.forget("00")
    assert ask_about_losses().answer is None
    assert ANSWERS.progress.read().predictions == {}


@pytest.mark.usefixtures("asking")
def test_an_answer_to_a_question_that_was_edited_since_does_not_count() -> None:
    ask_about_losses()
    ANSWERS.answer("00/lost", 4)
    guess = lessons.predict("00/lost", "Which are lost?", choices=["none", "some"])
    assert guess.answer is None
    assert ANSWERS.answer("00/lost", "some") == "some"


@pytest.mark.usefixtures("asking")
def test_the_input_takes_commands_and_refuses_what_is_no_answer() -> None:
    question = make("00/lost", "How many are lost?", unit="writes")
    ANSWERS.ask(question)
    with PredictionView(question) as view:
        assert repr(view) == "<PredictionView predict-00-lost>"
        with pytest.raises(InvalidInput, match="the answer is a number"):
            view.send("answer", "many")
        with pytest.raises(InvalidInput, match="the command of a prediction"):
            view.send("guess", "4")
        seen = view.do("answer", "4", timeout_s=PATIENCE_S)
        assert (seen["answer"], seen["words"]) == (4, "Your prediction: 4 writes.")
        assert ANSWERS.progress.read().predictions == {"00/lost": Guess(4)}


@pytest.mark.usefixtures("asking")
def test_listeners_hear_of_answers_and_the_oldest_is_dropped() -> None:
    heard: list[int] = []
    for number in range(201):
        ANSWERS.listen(f"display {number}", lambda n=number: heard.append(n))  # type: ignore[misc]
    ask_about_losses()
    ANSWERS.answer("00/lost", 4)
    assert heard == list(range(1, 201))


@pytest.mark.usefixtures("asking")
def test_a_task_that_passed_once_stays_passed(learner: Path) -> None:
    for answer in ([], None):

        @lessons.task("00/lost-writes")
        def lost(a: object, b: object, value: object = answer) -> object:
            return value

    ANSWERS.try_task("00/lost-writes", is_passed=True)
    ANSWERS.try_task("00/lost-writes", is_passed=False)
    assert ANSWERS.notes().tasks == {"00/lost-writes": Trial(4, is_passed=True)}


@pytest.mark.usefixtures("asking")
def test_a_result_that_is_uncovered_listens_no_more() -> None:
    ask_about_losses().reveal(3)
    assert len(ANSWERS._listeners) == 1
    ANSWERS.answer("00/lost", 4)
    assert ANSWERS._listeners == {}


def test_a_figure_in_a_script_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    ask_about_losses().reveal(3, go.Figure(go.Bar(x=["a"], y=[3])), axis="y")
    assert capsys.readouterr().out.splitlines()[-1] == "<Figure>"


# ------------------------------------------------------------------ bad use


def test_bad_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    guess = ask_about_losses()
    with pytest.raises(InvalidInput, match="the answer is a number"):
        guess.reveal("none")
    with pytest.raises(InvalidInput, match="'x', 'y' or None"):
        guess.reveal(1, axis="z")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="above a `def`"):
        lessons.task("00/lost-writes")(3)  # type: ignore[type-var]
    with pytest.raises(InvalidInput, match="there is no notebook"):
        lessons.scorecard("77")
    lessons.predict("01/x", "How many?")
    with pytest.raises(InvalidInput, match="several notebooks have asked"):
        lessons.scorecard()
    monkeypatch.setenv(places.MODE, "maybe")
    with pytest.raises(InvalidInput, match="'ask' or 'defaults', not 'maybe'"):
        ask_about_losses()


def test_progress_is_never_among_the_tracked_files(monkeypatch: pytest.MonkeyPatch) -> None:
    root = paths.checkout()
    assert root is not None
    for inside in (root, root / "notebooks", root / "my-labs" / ".." / "labs"):
        monkeypatch.setenv(places.LEARNER, str(inside))
        with pytest.raises(InvalidInput, match="among the files of the project"):
            places.learner_folder()
    monkeypatch.setenv(places.LEARNER, str(root / "my-labs" / "me"))
    assert places.learner_folder() == root / "my-labs" / "me"
    monkeypatch.delenv(places.LEARNER)
    assert places.learner_folder().name == "veristack-lab"


# ------------------------------------------------------------------ the record


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 1}', '{"version": 1, "predictions": [], "tasks": {}}', "\xff"],
)
def test_a_damaged_record_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    record = Progress(tmp_path)
    record.path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput, match="move it away"):
        record.answer("00/lost", 1)
    assert record.path.read_bytes() == text.encode("latin-1")


def test_a_record_of_another_version_is_refused(tmp_path: Path) -> None:
    record = Progress(tmp_path)
    record.path.write_text('{"version": 2}')
    with pytest.raises(InvalidInput, match="is of version 2, and version 1 is read here"):
        record.read()


def answer_many(folder: Path, writer: int) -> None:
    for number in range(20):
        Progress(folder).answer(f"00/x-{writer}-{number}", number)


def test_two_kernels_lose_no_answer_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=answer_many, args=(tmp_path, n)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(PATIENCE_S)
        assert writer.exitcode == 0
    assert len(Progress(tmp_path).read().predictions) == 40


def test_a_lock_that_is_held_for_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_TIMEOUT_S", 0.05)
    record = Progress(tmp_path)
    record.answer("00/x", 1)
    with (
        files.locked(tmp_path / "notebooks.lock"),
        pytest.raises(WaitExpired, match=r"notebooks\.lock for 0\.05 s"),
    ):
        record.answer("00/y", 1)
    assert record.answer("00/y", 1) == Guess(1)


# ------------------------------------------------------------------ the picture


def entry(answer: float | str, observed: float | str, **question: object) -> Entry:
    asked = make("00/x", "How many?", **question)  # type: ignore[arg-type]
    return Entry(asked, answer, observed, is_default=False)


def test_a_number_is_drawn_as_a_line_and_told_below_the_title() -> None:
    figure = go.Figure(go.Bar(x=["a"], y=[3]), layout={"title": {"text": "Kills"}})
    drawn = marked(figure, entry(7, 3, unit="writes"), "y")
    (line,), (label,) = drawn.layout.shapes, drawn.layout.annotations
    assert (line.y0, line.y1, line.yref, line.xref) == (7, 7, "y", "x domain")
    assert label.text == "predicted 7 writes"
    assert drawn.layout.title.subtitle.text == "predicted: 7 writes · observed: 3 writes"
    assert list(drawn.layout.yaxis.autorangeoptions.include) == [7]
    assert figure.layout.shapes == ()  # the caller's own is left alone


def test_an_axis_with_a_range_is_extended_and_a_logarithmic_one_in_its_own_units() -> None:
    figure = go.Figure(layout={"yaxis": {"range": [0, 5]}, "xaxis": {"type": "log"}})
    assert list(marked(figure, entry(9, 3), "y").layout.yaxis.range) == [0, 9]
    drawn = marked(figure, entry(100, 3), "x")
    assert (drawn.layout.shapes[0].x0, drawn.layout.annotations[0].x) == (100, 2)
    nowhere = marked(figure, entry(0, 3), "x")  # a logarithmic axis has no zero
    assert nowhere.layout.shapes == ()
    assert nowhere.layout.title.text == "predicted: 0 · observed: 3"


def test_a_choice_marks_its_category_where_there_is_one() -> None:
    figure = go.Figure(go.Bar(x=["kill", "pause"], y=[1, 2]))
    drawn = marked(figure, entry("kill", "pause", choices=["kill", "pause"]), "x")
    assert drawn.layout.shapes[0].x0 == "kill"
    other = marked(figure, entry("both", "pause", choices=["both", "pause"]), "x")
    assert other.layout.shapes == ()
    assert other.layout.title.text == "predicted: both · observed: pause"
