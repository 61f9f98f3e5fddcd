"""The graders are graded: each wrong variant fails the check of its law, each right one passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from typer.testing import CliRunner

from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput
from veristack_lab.labs import manifest, runner, variants
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.runner import Outcome
from veristack_lab.labs.variants import Variant, Verdict

QUICK_WRONG, QUICK_RIGHT = 12, 6


def cases() -> Iterator[ParameterSet]:
    """Every variant. Of each lab, a dozen laws and half a dozen right solutions are for every run;
    the rest is for thorough ones, as `veristack labs selftest` is."""
    for lab in manifest.find_all():
        found = variants.find_all(lab)
        laws = {each.caught_by: each for each in reversed(found) if each.kind == variants.WRONG}
        right = [each for each in found if each.kind == variants.RIGHT]
        quick = spread(list(laws.values()), QUICK_WRONG) + spread(right, QUICK_RIGHT)
        for variant in found:
            marks = [] if variant in quick else [pytest.mark.exhaustive]
            name = f"{lab.name}-{variant.kind}-{variant.name}"
            yield pytest.param(lab, variant, id=name, marks=marks)


def spread(items: list[Variant], most: int) -> list[Variant]:
    """At most `most` of the items, evenly spread."""
    few = min(most, len(items))
    return [items[place * len(items) // few] for place in range(few)]


PASSED = Outcome("1", "the sum", runner.PASSED)
FAILED = Outcome("2", "the product of zeroes", runner.FAILED, "mul(0, 0)", "0", "1")
WAITING = Outcome("3", "not checked before task 2 passes", runner.WAITING)


@pytest.mark.parametrize(("lab", "variant"), list(cases()))
def test_every_verdict_is_as_expected(lab: Lab, variant: Variant) -> None:
    verdict = variants.judge(lab, variant)
    assert verdict.as_expected, f"{variant.what} {variant.expected}; {verdict.outcomes}"
    failed = [outcome for outcome in verdict.outcomes if outcome.state == runner.FAILED]
    assert all(outcome.given and outcome.expected and outcome.got for outcome in failed)


def wrong(caught_by: str, task: str = "") -> Variant:
    return Variant("v", variants.WRONG, "Wrong.", "", caught_by, task)


RIGHT = Variant("v", variants.RIGHT, "Right.", "")


@pytest.mark.parametrize(
    ("variant", "outcomes", "good"),
    [
        (RIGHT, [PASSED], True),
        (RIGHT, [PASSED, FAILED], False),
        (RIGHT, [PASSED, WAITING], False),
        (wrong("zeroes"), [PASSED, FAILED, WAITING], True),
        (wrong("zeroes", "2"), [PASSED, FAILED], True),
        (wrong("zeroes", "1"), [PASSED, FAILED], False),
        (wrong("ones"), [PASSED, FAILED], False),
        (wrong("sum"), [PASSED], False),
        (wrong("sum"), [FAILED, replace(PASSED, state=runner.FAILED)], False),
    ],
)
def test_a_verdict_counts_the_first_bad_event(variant, outcomes, good) -> None:
    assert Verdict(variant, tuple(outcomes)).as_expected is good


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("wrong", "# caught by: a law\n", "needs a docstring"),
        ("wrong", '"""Something."""\n', "caught by"),
        ("right", '"""Something."""\n# caught by: a law\n', "caught by"),
    ],
)
def test_a_variant_that_does_not_say_what_it_is_is_refused(folder: Path, kind, text, words) -> None:
    path = folder / "some.py"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=words):
        variants.load(manifest.find("01"), path, kind)


def test_the_selftest_tells_false_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = manifest.find("01")
    monkeypatch.setattr(variants, "find_all", lambda _: [RIGHT, wrong("any register")])
    monkeypatch.setattr(
        variants, "judge", lambda lab, variant: Verdict(variant, (PASSED,) * len(lab.tasks))
    )
    result = CliRunner().invoke(app, ["labs", "selftest", lab.name])
    assert result.exit_code == 1
    last = "1 lab: 1 of 1 right variants accepted, 0 of 1 wrong variants refused by their check"
    assert result.output.splitlines()[-1] == last
    assert "FALSE: passes" in result.output


def test_the_selftest_is_readable_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(variants, "judge", _as_expected)
    result = CliRunner().invoke(app, ["labs", "selftest"])
    assert result.exit_code == 0, result.output
    *table, count = result.output.splitlines()
    assert max(map(len, table)) <= 80
    assert "…" not in result.output
    shown = "".join("".join(line.split()) for line in cells(table, 1))
    labs = manifest.find_all()
    every = [variant for lab in labs for variant in variants.find_all(lab)]
    for variant in every:
        assert f"{variant.kind}:{variant.name.replace('_', '')}" in shown
    right = sum(variant.kind == variants.RIGHT for variant in every)
    bad = len(every) - right
    assert count == (
        f"{len(labs)} labs: {right} of {right} right variants accepted,"
        f" {bad} of {bad} wrong variants refused by their check"
    )


def _as_expected(lab: Lab, variant: Variant) -> Verdict:
    if variant.kind == variants.RIGHT:
        return Verdict(variant, (PASSED,))
    failed = replace(FAILED, task=variant.task or "2", title=f"something of {variant.caught_by}")
    return Verdict(variant, (failed,))


def cells(lines: list[str], number: int) -> list[str]:
    """The texts of one column of a table."""
    rows = (line.split("│") for line in lines if line.startswith("│"))
    return [row[number + 1] for row in rows]


def test_ctrl_c_ends_the_selftest_with_what_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(lab: Lab, variant: Variant) -> Verdict:
        if variant.kind == variants.WRONG:
            raise KeyboardInterrupt
        return _as_expected(lab, variant)

    lab = manifest.find("01")
    monkeypatch.setattr(variants, "find_all", lambda _: [RIGHT, wrong("any register")])
    monkeypatch.setattr(variants, "judge", judge)
    result = CliRunner().invoke(app, ["labs", "selftest", lab.name])
    assert result.exit_code == 130
    assert "Traceback" not in result.output
    assert result.output.splitlines()[-1] == (
        "1 lab: 1 of 1 right variants accepted, 0 of 0 wrong variants refused by their check;"
        " stopped after 1 of 2 variants"
    )
