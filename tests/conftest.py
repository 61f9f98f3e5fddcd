"""Profiles and fixtures that every kind of test shares.

The servers are real and started once a session; a test gets its own schema, topic or model
name in them, never its own server. Their folders are not pytest's: under root Postgres runs as
another user, and a second pytest closes the first one's folder to others.
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import hypothesis
import pytest

from tests.thoroughness import THOROUGH, sized
from tests.waiting import PATIENCE_S
from veristack_lab.kernels import jit_enabled

if TYPE_CHECKING:
    from veristack_lab.backends.kafka import KafkaFacts
    from veristack_lab.backends.llm import LLM
    from veristack_lab.backends.postgres import PostgresFacts

hypothesis.settings.register_profile(
    "lab", max_examples=sized(50, 200) if jit_enabled() else 20, deadline=None
)
hypothesis.settings.load_profile("lab")

# By default httpx gives up after 5 s, which a busy machine exceeds.
for phase in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, phase, PATIENCE_S)


# A shell starts what it puts in the background with SIGINT ignored, and every child inherits that:
# the tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Files are shared out over processes in this order: what begins last should be short.
LONGEST_FIRST = ("house", "notebooks", "crash", "browser", "backends", "property", "unit")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave exhaustive tests to thorough runs; put the files that take longest first."""
    if not THOROUGH:
        left_out = [item for item in items if item.get_closest_marker("exhaustive")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

    def rank(item: pytest.Item) -> int:
        kind = item.path.parent.name
        return LONGEST_FIRST.index(kind) if kind in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)


# What each process would otherwise start for itself: one JupyterLab, one broker.
TOGETHER = {
    "tests/browser/": "JupyterLab",
    "tests/backends/test_backends_kafka.py": "Kafka",
    "tests/backends/test_smartsearch_pipeline.py": "Kafka",
    "tests/crash/test_smartsearch_crash.py": "Kafka",
}


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out whole files, and files that need the same heavy server together."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next(
                (group for start, group in TOGETHER.items() if file.startswith(start)), file
            )

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresFacts]:
    """One Postgres for the whole session."""
    from veristack_lab.backends.postgres import postgres

    with postgres() as facts:
        yield facts


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaFacts]:
    """One Kafka broker for the whole session."""
    from veristack_lab.backends.kafka import kafka

    with kafka() as facts:
        yield facts


@pytest.fixture(scope="session")
def tiny_llm() -> Iterator[LLM]:
    """Two engines for text with the tiny random model, and one for real embeddings."""
    from veristack_lab.backends.llm import llm

    with llm(text_engines=2, model="tiny") as engines:
        yield engines


@pytest.fixture
def unique_name() -> str:
    """A fresh lower-case identifier for a schema, topic or bucket."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of the test's own."""
    return tmp_path
