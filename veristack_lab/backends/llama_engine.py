"""One llama.cpp engine that the lab starts, kills and starts again."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from veristack_lab.backends import models
from veristack_lab.backends.models import Model
from veristack_lab.backends.ports import start_on_free_ports
from veristack_lab.errors import BackendError
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.runtime.processes import Child, spawn, wait_until_ready

READY_TIMEOUT_S = 60.0
PROBE_TIMEOUT_S = 2.0


@dataclass
class LlamaEngine:
    """One model served by one process on one port. Not running until `start()`."""

    node_id: str
    model: Model
    folder: Path
    """Where its log goes."""
    cache_mib: int = 0
    """RAM for prompts that lost their slot; 0 so that cold is cold."""
    port: int | None = field(default=None, init=False)
    child: Child | None = field(default=None, init=False)

    @property
    def facts(self) -> EngineFacts:
        """The facts about it for the layers above."""
        return EngineFacts(
            node_id=self.node_id,
            kind="llama.cpp",
            url=f"http://127.0.0.1:{self.port}",
            model=self.model.name,
            capability=self.model.capability,
            context_tokens=self.model.context_tokens,
            slots=self.model.slots,
            kv_bytes_per_token=self.model.kv_bytes_per_token,
            size_bytes=self.model.path.stat().st_size,
            random_weights=self.model.random_weights,
            pid=self.process().pid,
        )

    @property
    def alive(self) -> bool:
        """Whether its process runs (or is paused)."""
        return self.child is not None and self.child.alive

    def process(self) -> Child:
        """Its process, alive or not. Raises: BackendError before the first start."""
        if self.child is None:
            raise BackendError(f"the engine {self.node_id} was never started")
        return self.child

    def start(self) -> None:
        """Start it, on the port it had if it had one; returns when it answers.

        Raises:
            BackendUnavailable: its model is not installed.
            ProcessDied, BackendStartFailed: it ended, or was not ready in time.
        """
        if self.alive:
            return
        file = models.ensure(self.model)
        if self.port is None:
            start_on_free_ports(lambda ports: self._run(file, ports[0]))
        else:
            self._run(file, self.port)

    def kill(self) -> None:
        """SIGKILL: the node loses its memory, and with it every cached prefix."""
        if self.child is not None:
            self.child.kill()

    def stop(self) -> None:
        """Shut it down cleanly."""
        if self.child is not None:
            self.child.resume()
            self.child.stop()

    def _run(self, file: Path, port: int) -> None:
        log_path = self.folder / f"{self.node_id}.log"
        seen_bytes = log_path.stat().st_size if log_path.exists() else 0
        child = spawn(self._argv(file, port), name=self.node_id, log_path=log_path)
        self.child, self.port = child, port

        def is_ready() -> bool:
            # Its own log comes first: another server may hold the port and answer 200.
            with log_path.open("rb") as log:
                log.seek(seen_bytes)
                return b"listening on http" in log.read() and answers(port)

        wait_until_ready(child, is_ready, READY_TIMEOUT_S)

    def _argv(self, file: Path, port: int) -> list[str | Path]:
        module = "veristack_lab.backends.engine_process"
        argv: list[str | Path] = [sys.executable, "-m", module, "--model", file]
        argv += ["--port", str(port), "--slots", str(self.model.slots)]
        argv += ["--context", str(self.model.context_tokens), "--cache-mib", str(self.cache_mib)]
        if self.model.chat_template is not None:
            argv += ["--chat-template", self.model.chat_template]
        if self.model.capability == "embeddings":
            argv += ["--embeddings"]
        return argv


def answers(port: int) -> bool:
    """Whether a llama.cpp server on this loopback port says that it is healthy."""
    import httpx

    try:
        reply = httpx.get(f"http://127.0.0.1:{port}/health", timeout=PROBE_TIMEOUT_S)
    except httpx.TransportError:
        return False
    return reply.status_code == httpx.codes.OK
