"""Apache Kafka's jars: which ones, whether they are installed, and how they are fetched.

`data/kafka-jars.tsv` pins every jar of Kafka's runtime by coordinates, SHA-256 and size. They
are fetched through jgo, which knows where Maven artifacts live; its own checksum test only
warns and its downloads are not atomic, so both are done here.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veristack_lab.errors import DownloadFailed
from veristack_lab.runtime import paths
from veristack_lab.runtime.files import publish, sha256_of
from veristack_lab.runtime.pools import thread_pool
from veristack_lab.runtime.progress import OnProgress

KAFKA_COORDINATE = "org.apache.kafka:kafka_2.13:"
THREADS = 8
ATTEMPTS = 2
TIMEOUT_S = 60

Fetch = Callable[[str, Path], Path]
"""Fetches the jar of a coordinate below a scratch folder, and returns its path."""


@dataclass(frozen=True)
class Jar:
    """One pinned jar."""

    coordinate: str
    """`group:artifact:version`."""
    sha256: str
    size_bytes: int

    @property
    def file_name(self) -> str:
        """Its file name in the lab's folder."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


@functools.cache
def pinned() -> tuple[Jar, ...]:
    """Every jar of the pinned list, in its order."""
    with paths.data_file("kafka-jars.tsv").open(newline="") as file:
        return tuple(
            Jar(row["coordinate"], row["sha256"], int(row["size_bytes"]))
            for row in csv.DictReader(file, delimiter="\t")
        )


@functools.cache
def kafka_version() -> str:
    """The version of Kafka that the list pins."""
    return next(
        jar.coordinate.removeprefix(KAFKA_COORDINATE)
        for jar in pinned()
        if jar.coordinate.startswith(KAFKA_COORDINATE)
    )


def folder() -> Path:
    """Where everything of this Kafka version is kept."""
    return paths.home() / f"kafka-{kafka_version()}"


def jar_paths() -> list[Path]:
    """Where every jar is, once installed."""
    return [folder() / "libs" / jar.file_name for jar in pinned()]


def installed() -> bool:
    """Whether every jar is present in its full size. `install` checks the content as well."""
    return all(
        path.is_file() and path.stat().st_size == jar.size_bytes
        for jar, path in zip(pinned(), jar_paths(), strict=True)
    )


def damaged_or_missing() -> list[Jar]:
    """The jars that are missing or lack the pinned SHA-256."""
    return [
        jar
        for jar, path in zip(pinned(), jar_paths(), strict=True)
        if not path.is_file() or sha256_of(path) != jar.sha256
    ]


def fetch_all(wanted: Sequence[Jar], scratch: Path, fetch: Fetch, on_progress: OnProgress) -> None:
    """Bring the wanted jars into place, several at a time; each appears whole or not at all.

    Args:
        on_progress: counts all pinned jars, including those already installed.

    Raises:
        DownloadFailed: one could not be fetched or was wrong twice. The others are kept.
    """
    target = folder() / "libs"
    target.mkdir(parents=True, exist_ok=True)
    failures, total = [], len(pinned())
    kept = total - len(wanted)
    on_progress(kept, total)
    with thread_pool(THREADS, "veristack-jars") as pool:
        outcomes = [pool.submit(_bring, jar, scratch, target, fetch) for jar in wanted]
        for done, outcome in enumerate(as_completed(outcomes), kept + 1):
            if (error := outcome.exception()) is not None:
                failures.append(error)
            on_progress(done, total)
    if failures:
        raise failures[0]


def fetch_with_jgo(coordinate: str, scratch: Path) -> Path:
    """Fetch one jar with jgo, which asks the Maven repositories that it knows.

    Raises:
        DownloadFailed: it could not be fetched.
    """
    from jgo.maven import MavenContext

    context: Any = MavenContext(repo_cache=scratch, timeout=TIMEOUT_S)
    try:
        return Path(context.create_dependency(coordinate).artifact.resolve())
    except (RuntimeError, OSError) as error:  # a failed request is an OSError too
        raise DownloadFailed(
            f"{coordinate} could not be fetched ({error}); check the connection to your Maven "
            "repository and run the command again: what was complete is kept"
        ) from error


def _bring(jar: Jar, scratch: Path, target: Path, fetch: Fetch) -> None:
    for _ in range(ATTEMPTS):
        fetched = fetch(jar.coordinate, scratch)
        if sha256_of(fetched) == jar.sha256:
            publish(fetched, target / jar.file_name)
            return
        fetched.unlink()
    raise DownloadFailed(
        f"{jar.coordinate} had the wrong SHA-256 {ATTEMPTS} times; something between here and "
        "your Maven repository changes files"
    )
