"""Where the lab keeps what it fetched, and where its small data files are.

Two places and no third: the cache folder (`VERISTACK_HOME`, else the platform's user cache)
for downloads that a wheel cannot declare, and the read-only `data/` folder of the project.
"""

from __future__ import annotations

import os
from pathlib import Path

from veristack_lab.errors import InvalidInput


def home() -> Path:
    """The cache folder for fetched models, jars and compiled templates. Not created here."""
    configured = os.environ.get("VERISTACK_HOME")
    if configured:
        return Path(configured).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("veristack-lab")


def data_file(name: str) -> Path:
    """The path of a file of `data/`, in a checkout or inside an installed wheel.

    Raises:
        InvalidInput: there is no such file.
    """
    package = Path(__file__).resolve().parent.parent
    for root in (package / "_data", package.parent / "data"):
        candidate = root / name
        if candidate.exists():
            return candidate
    raise InvalidInput(f"there is no data file {name!r}; `ls data/` lists them")


def checkout() -> Path | None:
    """The root of the source tree the package runs from, or None when it was installed."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "tests").is_dir() else None
