from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.veriflow import workloads
from veristack_lab.veriflow.spec import JobSpec, body_sha256, canonical_json, checked_key

GOOD: dict[str, Any] = {"name": "first", "workload": "primes"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": "one"}, "seed"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"priority": 101}, "priority"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"retry_base_s": 0.0}, "retry_base_s"),
        ({"parameters": [1]}, "parameters"),
        ({"parameter": {}}, "parameter"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=rf"not a job: .*{field}"):
        JobSpec.parse({**GOOD, **change})


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"name: .*; workload: .*; seed: "):
        JobSpec.parse({"seed": -1})


def test_parameters_are_checked_and_completed_by_the_workload() -> None:
    spec = JobSpec.parse({**GOOD, "parameters": {"below": 100}})
    assert workloads.complete(spec) == {"below": 100, "segment": 250_000, "checkpoint_every": 1}
    with pytest.raises(InvalidInput, match=r"wrong parameters for workload 'primes': below"):
        workloads.complete(JobSpec.parse({**GOOD, "parameters": {"below": 1}}))
    with pytest.raises(InvalidInput, match="there are docstrings, primes"):
        workloads.complete(JobSpec.parse({**GOOD, "workload": "nothing"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\\u0"), inner),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text("abc", min_size=1), JSON, max_size=4))
def test_canonical_json_forgets_order_and_nothing_else(value: dict[str, Any]) -> None:
    def holds_nul(part: Any) -> bool:
        if isinstance(part, dict):
            return any(holds_nul(k) or holds_nul(v) for k, v in part.items())
        return any(map(holds_nul, part)) if isinstance(part, list) else "\x00" in str(part)

    if holds_nul(value):
        with pytest.raises(InvalidInput, match="U\\+0000"):
            canonical_json(value)
        return
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    changed = {**value, "zz": True}
    assert canonical_json(value) != canonical_json(changed)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", ["\\\x00"]])
def test_what_the_database_cannot_keep_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        canonical_json({"value": value})


def test_a_backslash_is_not_a_nul() -> None:
    assert canonical_json("\\u0000") == b'"\\\\u0000"'


def test_defaults_left_out_do_not_take_part_in_the_hash() -> None:
    bare, explicit = JobSpec.parse(GOOD), JobSpec.parse({**GOOD, "seed": 0})
    assert bare == explicit
    assert body_sha256(bare) != body_sha256(explicit)
    assert body_sha256(bare) == body_sha256(JobSpec.parse(dict(reversed(GOOD.items()))))


def test_a_huge_job_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at most"):
        body_sha256(JobSpec.parse({**GOOD, "parameters": {"x": "y" * 300_000}}))


@pytest.mark.parametrize("key", ["", "x" * 201, "two\nlines", "\x00"])
def test_a_key_must_be_printable_and_short(key: str) -> None:
    with pytest.raises(InvalidInput, match="Idempotency-Key"):
        checked_key(key)
    assert checked_key("k-1") == "k-1"
    assert checked_key(None) is None
