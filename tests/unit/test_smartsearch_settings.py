"""The settings travel to worker processes and come back the same."""

from __future__ import annotations

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.smartsearch.settings import ENVIRONMENT_VARIABLE, RetryPolicy, Settings


def test_settings_survive_the_journey():
    settings = Settings(
        "dbname=x", "127.0.0.1:9092", "http://x", lease_s=2.5, retry=RetryPolicy(max_refusals=7)
    )
    assert Settings.from_environment({ENVIRONMENT_VARIABLE: settings.to_json()}) == settings


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"retry": {}, "nonsense": 1}', '{"retry": 3}'])
def test_what_is_not_settings_is_refused(text: str):
    with pytest.raises(InvalidInput):
        Settings.from_json(text)


def test_a_missing_variable_names_the_command():
    with pytest.raises(InvalidInput, match="veristack ingest worker"):
        Settings.from_environment({})


@pytest.mark.parametrize(
    "wrong", [{"topic": "a b"}, {"topic": ""}, {"batch_texts": 0}, {"lease_s": 0.0}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]):
    with pytest.raises(InvalidInput):
        Settings("dbname=x", "b", "http://x", **wrong)  # type: ignore[arg-type]
