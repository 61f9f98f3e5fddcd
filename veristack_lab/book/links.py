"""Every link between the pages of a built site, followed: files and the places inside them."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ADDRESSES = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}


@dataclass(frozen=True)
class Lost:
    """A link that leads nowhere."""

    page: str
    """The page that holds it, relative to the site."""
    target: str
    """The address as it is written there."""

    def __str__(self) -> str:
        return f"{self.page} -> {self.target}"


@dataclass(frozen=True)
class Report:
    """What following the links found."""

    pages: int
    links: int
    """Links between pages, to files and to places inside pages."""
    lost: tuple[Lost, ...]


class Page(HTMLParser):
    """The addresses that one page names, and the places inside it that can be named."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.places.add(value)
            elif value and name == _ADDRESSES.get(tag):
                self.targets.append(value)


def check(site: Path) -> Report:
    """Follow every local link of every page below `site`; addresses of other hosts are left out."""
    site = site.resolve()
    pages = {path: Page(path.read_text(errors="replace")) for path in sorted(site.rglob("*.html"))}
    lost: list[Lost] = []
    links = 0
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            links += 1
            if not _leads_somewhere(path, unquote(parts.path), unquote(parts.fragment), pages):
                lost.append(Lost(str(path.relative_to(site)), target))
    return Report(len(pages), links, tuple(lost))


def _leads_somewhere(page: Path, path: str, place: str, pages: dict[Path, Page]) -> bool:
    file = (page.parent / path).resolve() if path else page
    if file.is_dir():
        file = file / "index.html"
    if not file.is_file():
        return False
    known = pages.get(file)
    return not place or known is None or place in known.places
