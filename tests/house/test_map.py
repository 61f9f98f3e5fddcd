"""The map of the package is true: what it names exists, and every package is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "veristack_lab"
MAP = PACKAGE / "README.md"
MAX_LINES = 200

QUOTED = re.compile(r"`([^`\s]+)`")
LINK = re.compile(r"\]\(([^)#]+)\)")
TEMPLATE = re.compile(r"NN|\*")
"""In a name that stands for many, such as `notebooks/NN_topic.ipynb`."""


def is_path(quoted: str) -> bool:
    return "/" in quoted or quoted.endswith((".py", ".md", ".toml"))


PATHS = sorted(
    {
        name
        for name in QUOTED.findall(MAP.read_text())
        if is_path(name) and not TEMPLATE.search(name)
    }
)
PACKAGES = sorted(
    f"{path.parent.relative_to(PACKAGE)}/"
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE
)


@pytest.mark.parametrize("name", PATHS)
def test_every_path_on_the_map_exists(name: str) -> None:
    assert (PACKAGE / name).exists() or (ROOT / name).exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_on_the_map(package: str) -> None:
    assert f"`{package}`" in MAP.read_text()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "veristack_lab/README.md"])
def test_every_link_between_the_papers_leads_somewhere(page: str) -> None:
    targets = LINK.findall((ROOT / page).read_text())
    lost = [
        target
        for target in targets
        if not target.startswith(("http:", "https:"))
        and not ((ROOT / page).parent / target).exists()
    ]
    assert targets
    assert lost == []


def test_the_readme_leads_to_the_map_and_to_how_to_contribute() -> None:
    targets = LINK.findall((ROOT / "README.md").read_text())
    assert {"veristack_lab/README.md", "CONTRIBUTING.md"} <= set(targets)


def test_the_map_fits_on_a_few_pages() -> None:
    assert len(MAP.read_text().splitlines()) <= MAX_LINES
