"""Engines that Ollama serves: yours (`OLLAMA_HOST`), or an `ollama` binary started here.

Which models are used is decided from what the server itself lists: the smallest that can
complete text, and the smallest that can embed, unless `VERISTACK_TEXT_MODEL` or
`VERISTACK_EMBED_MODEL` names another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veristack_lab.backends.models import TINY
from veristack_lab.backends.ports import start_on_free_ports
from veristack_lab.errors import BackendError, BackendUnavailable
from veristack_lab.llmcache.facts import Capability, EngineFacts
from veristack_lab.runtime.processes import Child, spawn, wait_until_ready

if TYPE_CHECKING:
    from ollama import Client

CHOICE_VARIABLE: Mapping[Capability, str] = {
    "text": "VERISTACK_TEXT_MODEL",
    "embeddings": "VERISTACK_EMBED_MODEL",
}
SUGGESTED: Mapping[Capability, str] = {"text": "smollm2:135m", "embeddings": "all-minilm:22m"}
OLLAMA_WORD: Mapping[Capability, str] = {"text": "completion", "embeddings": "embedding"}
DEFAULT_CONTEXT_TOKENS = 4096
"""What Ollama gives a request unless `OLLAMA_CONTEXT_LENGTH` says otherwise."""
READY_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class OllamaModel:
    """One model of an Ollama server, as far as the lab needs to know it."""

    name: str
    capability: Capability
    size_bytes: int
    context_tokens: int
    kv_bytes_per_token: int


def list_models(url: str, timeout_s: float = REQUEST_TIMEOUT_S) -> list[OllamaModel]:
    """Every model of the server, smallest first.

    Raises:
        BackendUnavailable: the server does not answer, or does not speak Ollama's API.
    """
    import httpx
    from ollama import Client, ResponseError

    with Client(host=url, timeout=timeout_s) as client:
        try:
            found = [
                _describe(client, listed.model, int(listed.size or 0))
                for listed in client.list().models
                if listed.model is not None
            ]
        except (ConnectionError, httpx.HTTPError, ResponseError) as error:
            raise BackendUnavailable(
                f"the Ollama server at {url} does not answer as one ({error}); start it, correct "
                "OLLAMA_HOST, or unset it to let the lab start engines of its own"
            ) from error
    return sorted(found, key=lambda model: (model.size_bytes, model.name))


def choose(available: list[OllamaModel], capability: Capability, where: str) -> OllamaModel:
    """The model to use for a capability.

    Raises:
        BackendUnavailable: no model can do it, or the one you named is missing; the message
            holds the command that brings one.
    """
    wanted = os.environ.get(CHOICE_VARIABLE[capability])
    if wanted:
        for model in available:
            if model.name in (wanted, f"{wanted}:latest"):
                return model
        raise BackendUnavailable(
            f"{CHOICE_VARIABLE[capability]} names {wanted}, which {where} does not have; "
            f"`ollama pull {wanted}`"
        )
    for model in available:
        if model.capability == capability:
            return model
    raise BackendUnavailable(
        f"{where} has no model for {capability}; `ollama pull {SUGGESTED[capability]}`"
    )


@dataclass
class OllamaEngine:
    """One Ollama server that plays one node. Started here when it has a binary, else yours."""

    node_id: str
    model: OllamaModel
    url: str
    server: OllamaServer | None = None

    @property
    def facts(self) -> EngineFacts:
        """The facts about it for the layers above."""
        return EngineFacts(
            node_id=self.node_id,
            kind="ollama",
            url=self.url,
            model=self.model.name,
            capability=self.model.capability,
            context_tokens=self.model.context_tokens,
            slots=int(os.environ.get("OLLAMA_NUM_PARALLEL", "1") or 1),
            kv_bytes_per_token=self.model.kv_bytes_per_token,
            size_bytes=self.model.size_bytes,
            random_weights=self.model.name == TINY.name,  # behind a gateway of the lab
            pid=None if self.server is None else self.process().pid,
        )

    @property
    def alive(self) -> bool:
        """Whether the server started here runs; for yours, whether it answers."""
        if self.server is not None:
            return self.server.alive
        return server_version(self.url) is not None

    def process(self) -> Child:
        """Its process. Raises: BackendError when the server is yours."""
        if self.server is None:
            raise BackendError(
                f"the Ollama server behind {self.node_id} is yours, so the lab does not kill or "
                "pause it; unset OLLAMA_HOST to let the lab start engines of its own"
            )
        return self.server.process()

    def start(self) -> None:
        """Start it again on its port. Raises: BackendError when the server is yours."""
        self.process()
        assert self.server is not None  # process() raises for a server of yours
        self.server.start()

    def kill(self) -> None:
        """SIGKILL to the server and its runners. Raises: BackendError when it is yours."""
        self.process().kill_tree()

    def stop(self) -> None:
        """Shut down a server that was started here; yours is left alone."""
        if self.server is not None:
            self.server.stop()


@dataclass
class OllamaServer:
    """`ollama serve` as a child process."""

    name: str
    folder: Path
    port: int | None = field(default=None, init=False)
    child: Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether its process runs (or is paused)."""
        return self.child is not None and self.child.alive

    def process(self) -> Child:
        """Its process. Raises: BackendError before the first start."""
        if self.child is None:
            raise BackendError(f"the Ollama server {self.name} was never started")
        return self.child

    def start(self) -> None:
        """Start it, on the port it had if it had one; returns when it answers."""
        if self.alive:
            return
        if self.port is None:
            start_on_free_ports(lambda ports: self._run(ports[0]))
        else:
            self._run(self.port)

    def stop(self) -> None:
        """Shut it down cleanly, its runners with it."""
        if self.alive:
            process = self.process()
            process.resume()
            process.stop()

    def _run(self, port: int) -> None:
        self.child = spawn(
            [binary() or "ollama", "serve"],
            name=self.name,
            log_path=self.folder / f"{self.name}.log",
            env={"OLLAMA_HOST": f"127.0.0.1:{port}"},
        )
        self.port = port
        wait_until_ready(self.child, lambda: server_version(self.url) is not None, READY_TIMEOUT_S)


def binary() -> str | None:
    """The `ollama` program on PATH."""
    return shutil.which("ollama")


def server_version(url: str, timeout_s: float = 2.0) -> str | None:
    """The version an Ollama server reports; None if no server answers."""
    import httpx

    try:
        reply = httpx.get(f"{url}/api/version", timeout=timeout_s)
        return str(reply.raise_for_status().json()["version"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None


def _describe(client: Client, name: str, size_bytes: int) -> OllamaModel:
    shown = client.show(name)
    details: Mapping[str, Any] = shown.modelinfo or {}
    architecture = str(details.get("general.architecture", ""))
    capabilities = shown.capabilities or []
    embeds = OLLAMA_WORD["embeddings"] in capabilities or (
        not capabilities and "bert" in architecture  # servers before 0.6.4 do not say
    )

    def number(key: str, default: int) -> int:
        value = details.get(f"{architecture}.{key}")
        return int(value) if isinstance(value, int | float) else default

    heads = number("attention.head_count", 1)
    head_dim = number("attention.key_length", number("embedding_length", 0) // heads)
    kv_heads = number("attention.head_count_kv", heads)
    allowed = int(os.environ.get("OLLAMA_CONTEXT_LENGTH", "0") or 0) or DEFAULT_CONTEXT_TOKENS
    return OllamaModel(
        name=name,
        capability="embeddings" if embeds else "text",
        size_bytes=size_bytes,
        context_tokens=min(allowed, number("context_length", allowed)),
        kv_bytes_per_token=0 if embeds else 2 * number("block_count", 0) * kv_heads * head_dim * 2,
    )
