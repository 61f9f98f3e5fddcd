"""Inference engines: yours, an Ollama started here, or llama.cpp engines of the lab's own.

A layer above asks for text or embeddings and gets `EngineFacts`; it never knows which program
answers. Every engine started here is a process of its own, so that one can be killed alone.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

from veristack_lab.backends import models, ollama_engines
from veristack_lab.backends.llama_engine import LlamaEngine
from veristack_lab.backends.ollama_engines import OllamaEngine, OllamaServer
from veristack_lab.errors import BackendUnavailable, InvalidInput
from veristack_lab.llmcache.facts import Capability, EngineFacts
from veristack_lab.runtime.pools import thread_pool
from veristack_lab.runtime.probes import http_silence
from veristack_lab.runtime.processes import temporary_folder
from veristack_lab.runtime.supervised import ServerPart

ModelChoice = Literal["auto", "smollm2", "tiny"]
Engine = LlamaEngine | OllamaEngine


class LLM:
    """The running engines, and the means to kill and pause them."""

    def __init__(self, engines: Sequence[Engine], origin: Literal["yours", "here"]) -> None:
        self._engines = {engine.node_id: engine for engine in engines}
        self.origin = origin
        """Whether they are yours or were started here."""

    def __repr__(self) -> str:
        nodes = ", ".join(f"{facts.node_id}={facts.model}" for facts in self.engines)
        return f"<LLM {self.origin} {nodes}>"

    @property
    def engines(self) -> tuple[EngineFacts, ...]:
        """Every engine, dead ones too; a restarted one has a new pid and the same url."""
        return tuple(engine.facts for engine in self._engines.values())

    @property
    def text(self) -> tuple[EngineFacts, ...]:
        """The engines that complete text."""
        return self._with("text")

    @property
    def embeddings(self) -> tuple[EngineFacts, ...]:
        """The engines that embed."""
        return self._with("embeddings")

    def alive(self, node_id: str) -> bool:
        """Whether the engine's process runs. Raises: InvalidInput for an unknown node."""
        return self._engine(node_id).alive

    def kill(self, node_id: str) -> None:
        """SIGKILL: the engine and all its cached prefixes are gone.

        Raises:
            BackendError: the engine is yours.
            InvalidInput: there is no such node.
        """
        self._engine(node_id).kill()

    def restart(self, node_id: str) -> None:
        """Start a killed engine on the port it had; returns when it answers, with a cold cache.

        Raises: as `kill`, and ProcessDied or BackendStartFailed when it does not come up.
        """
        self._engine(node_id).start()

    def supervised(self) -> list[ServerPart]:
        """The engines for a supervisor; none if they are yours, which the lab does not restart."""
        if self.origin == "yours":
            return []
        return [
            ServerPart(
                node_id,
                functools.partial(self.alive, node_id),
                engine.start,
                functools.partial(_silence, engine),
            )
            for node_id, engine in self._engines.items()
        ]

    def pause(self, node_id: str) -> None:
        """SIGSTOP: it stands still, its connections open. Raises: as `kill`."""
        self._engine(node_id).process().pause()

    def resume(self, node_id: str) -> None:
        """SIGCONT. Raises: as `kill`."""
        self._engine(node_id).process().resume()

    def _with(self, capability: Capability) -> tuple[EngineFacts, ...]:
        return tuple(facts for facts in self.engines if facts.capability == capability)

    def _engine(self, node_id: str) -> Engine:
        if node_id not in self._engines:
            raise InvalidInput(f"there is no node {node_id!r}, only {', '.join(self._engines)}")
        return self._engines[node_id]


@contextmanager
def llm(
    folder: Path | None = None,
    *,
    text_engines: int = 1,
    embedding_engines: int = 1,
    model: ModelChoice = "auto",
) -> Iterator[LLM]:
    """Engines that answer, for as long as the body runs.

    Args:
        folder: where their logs go; None for a temporary folder.
        text_engines, embedding_engines: how many of each. A server of yours plays one node for
            each capability that is asked for.
        model: for text. "auto" takes `OLLAMA_HOST`, else an `ollama` on PATH that has models
            for all that is asked, else SmolLM2 when it is installed, else the tiny random model
            (`EngineFacts.random_weights` says so). "smollm2" and "tiny" are always served by
            llama.cpp, MiniLM beside them.

    Raises:
        BackendUnavailable: a model is not installed, or your server does not answer or lacks
            one; the message names the command that brings it.
        ProcessDied, BackendStartFailed: an engine did not come up.
    """
    with temporary_folder() if folder is None else nullcontext(folder) as place:
        place.mkdir(parents=True, exist_ok=True)
        wanted: dict[Capability, int] = {"text": text_engines, "embeddings": embedding_engines}
        host = os.environ.get("OLLAMA_HOST", "").strip()
        if model == "auto" and host:
            yield LLM(_yours(ollama_url(host), wanted), "yours")
            return
        engines: list[Engine] = []
        try:
            if model == "auto" and ollama_engines.binary():
                engines += _from_ollama_binary(place, wanted)
            if not engines:
                engines += _llama_engines(place, wanted, model)
                _start_all(engines)
            yield LLM(engines, "here")
        finally:
            for engine in engines:
                engine.stop()


def _silence(engine: Engine) -> str:
    """Why an engine does not answer; any reply is an answer."""
    return http_silence(f"{engine.facts.url}/health")


def ollama_url(host: str) -> str:
    """`OLLAMA_HOST` in any of the forms that Ollama takes, as a URL."""
    if "://" not in host:
        host = f"http://{host}"
    scheme, _, rest = host.rstrip("/").partition("://")
    name, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit():
        name, port = rest, {"http": "11434", "https": "443"}.get(scheme, "11434")
    return f"{scheme}://{'127.0.0.1' if name in ('', '0.0.0.0') else name}:{port}"  # noqa: S104


def text_model(choice: ModelChoice) -> models.Model:
    """The model that llama.cpp serves for text."""
    if choice == "tiny":
        return models.TINY
    if choice == "smollm2" or models.SMOLLM2.path.is_file():
        return models.SMOLLM2
    return models.TINY


def _yours(url: str, wanted: dict[Capability, int]) -> list[OllamaEngine]:
    where = f"your Ollama server at {url}"
    available = ollama_engines.list_models(url)
    return [
        OllamaEngine(f"{capability}-0", ollama_engines.choose(available, capability, where), url)
        for capability, count in wanted.items()
        if count
    ]


def _from_ollama_binary(place: Path, wanted: dict[Capability, int]) -> list[OllamaEngine]:
    """One `ollama serve` a node; none at all when it lacks a model for what is wanted."""
    engines: list[OllamaEngine] = []
    try:
        for capability, count in wanted.items():
            for number in range(count):
                server = OllamaServer(f"{capability}-{number}", place)
                server.start()
                try:
                    available = ollama_engines.list_models(server.url)
                    chosen = ollama_engines.choose(available, capability, "ollama")
                except BaseException:
                    server.stop()
                    raise
                engines.append(OllamaEngine(server.name, chosen, server.url, server))
    except BackendUnavailable:
        for engine in engines:
            engine.stop()
        return []
    return engines


def _llama_engines(
    place: Path, wanted: dict[Capability, int], choice: ModelChoice
) -> list[LlamaEngine]:
    chosen = {"text": text_model(choice), "embeddings": models.MINILM}
    for capability, count in wanted.items():
        if count:
            models.ensure(chosen[capability])  # before any process is started
    return [
        LlamaEngine(f"{capability}-{number}", chosen[capability], place)
        for capability, count in wanted.items()
        for number in range(count)
    ]


def _start_all(engines: Sequence[Engine]) -> None:
    """Start all at once; when one fails, its error is raised after the others are settled."""
    if not engines:
        return
    with thread_pool(len(engines), "veristack-engines") as pool:
        for outcome in [pool.submit(engine.start) for engine in engines]:
            outcome.result()
