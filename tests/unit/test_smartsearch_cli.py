"""What `veristack ingest` says before any server is started."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from veristack_lab.cli import ingest
from veristack_lab.errors import InvalidInput
from veristack_lab.smartsearch.settings import ENVIRONMENT_VARIABLE, Settings


def test_help_names_every_command():
    text = CliRunner().invoke(ingest.app, ["--help"]).output
    for name in ("stdlib", "serve", "worker", "relay", "search", "ask", "pressure", "dead-letters"):
        assert name in text


def test_a_relay_without_addresses_names_the_variables(monkeypatch):
    for name in (ENVIRONMENT_VARIABLE, "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(ingest.app, ["relay"])
    assert isinstance(result.exception, InvalidInput)
    assert "DATABASE_URL, KAFKA_BOOTSTRAP_SERVERS, OLLAMA_HOST" in str(result.exception)


@pytest.mark.parametrize("whole", [True, False])
def test_addresses_come_from_the_environment(monkeypatch, whole):
    settings = Settings("dbname=x", "127.0.0.1:9092", "http://127.0.0.1:11434")
    if whole:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, settings.to_json())
    else:
        monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
        monkeypatch.setenv("DATABASE_URL", settings.conninfo)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap)
        monkeypatch.setenv("OLLAMA_HOST", settings.gateway_url)
    assert ingest._settings_from_environment() == settings


def test_a_sample_that_cannot_be_drawn_starts_no_server():
    result = CliRunner().invoke(ingest.app, ["stdlib", "--sample", "3"])
    assert isinstance(result.exception, InvalidInput)
