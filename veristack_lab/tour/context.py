"""What an act of the tour is given: a seed, a folder, servers, and a place to report to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.progress import OnProgress

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from rich.progress import Progress

    from veristack_lab.backends.kafka import KafkaFacts
    from veristack_lab.backends.llm import LLM
    from veristack_lab.backends.postgres import PostgresFacts


@dataclass(frozen=True)
class Picture:
    """One figure of the report."""

    layer: str
    title: str
    caption: str
    figure: go.Figure


@dataclass
class Tour:
    """One run of the tour. An act calls `add`, `picture` and `progress`; it never prints."""

    seed: int
    quick: bool
    work: Path
    """The one temporary folder everything happens in."""
    bars: Progress
    resources: ExitStack
    claims: list[Claim] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    _started: dict[str, Any] = field(default_factory=dict)

    def rng(self, name: str) -> random.Random:
        """A generator that depends on the tour's seed and on the name alone."""
        return random.Random(f"{self.seed}/{name}")

    def add(self, *claims: Claim) -> None:
        """Report promises that were judged already, such as those of a layer's `promises`."""
        self.claims.extend(claims)

    def picture(self, layer: str, title: str, figure: go.Figure, caption: str) -> None:
        """Add a figure to the report."""
        self.pictures.append(Picture(layer, title, caption, figure))

    @contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[OnProgress]:
        """A progress bar for one step of an act."""
        task = self.bars.add_task(description, total=total)

        def tick(done: int, total: int) -> None:
            self.bars.update(task, completed=done, total=total)

        yield tick
        finished = self.bars.tasks[self.bars.task_ids.index(task)]
        whole = finished.total or finished.completed or 1
        self.bars.update(task, completed=whole, total=whole)

    def postgres(self) -> PostgresFacts:
        """The tour's Postgres: started on first use, shared, stopped at the end."""
        from veristack_lab.backends.postgres import postgres

        return cast(
            "PostgresFacts", self._use("postgres", lambda: postgres(self.work / "postgres"))
        )

    def kafka(self) -> KafkaFacts:
        """The tour's Kafka broker, likewise."""
        from veristack_lab.backends.kafka import kafka

        return cast("KafkaFacts", self._use("kafka", lambda: kafka(self.work / "kafka")))

    def llm(self) -> LLM:
        """The tour's inference engines (two for text, one for embeddings), likewise."""
        from veristack_lab.backends.llm import llm

        return cast("LLM", self._use("llm", lambda: llm(self.work / "llm", text_engines=2)))

    def _use(self, name: str, start: Callable[[], AbstractContextManager[object]]) -> object:
        if name not in self._started:
            with self.progress(f"starting {name}", 1):
                self._started[name] = self.resources.enter_context(start())
        return self._started[name]
