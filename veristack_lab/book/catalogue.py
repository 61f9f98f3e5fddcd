"""The museum as pages, generated from `museum.exhibits()`: a catalogue, and one page an exhibit."""

from __future__ import annotations

from veristack_lab import museum
from veristack_lab.museum import Exhibit

INDEX = "museum/index"
HEAD = """\
# The museum

Known defects of storage engines. Each is an override of one seam of the real code, and each is
found by the simulator under a seed: `veristack museum run NAME` shows it beside the healthy code,
which keeps every promise under the same seed. "Ancestor" is the published system that this lab
grew out of.
"""


def page_of(exhibit: Exhibit) -> str:
    """The page of an exhibit."""
    return f"museum/{exhibit.wing}/{exhibit.name}"


def names() -> list[str]:
    """The pages that `pages` makes."""
    return [INDEX, *map(page_of, museum.exhibits())]


def pages() -> dict[str, str]:
    """The pages by their names."""
    parts = [HEAD]
    for wing in museum.wings():
        inside = museum.group(wing)
        parts.append(f"\n## Wing {wing}\n\n| exhibit | what it does | breaks | seen in | seed |\n")
        parts.append("|---|---|---|---|---|\n")
        parts += [
            f"| [{one.name}]({wing}/{one.name}.md) | {one.title} | `{one.promise}` | {one.source} "
            f"| {one.trial.seed} |\n"
            for one in inside
        ]
        listing = "\n".join(f"{wing}/{one.name}" for one in inside)
        parts.append(f"\n```{{toctree}}\n:hidden:\n\n{listing}\n```\n")
    return {INDEX: "".join(parts)} | {page_of(one): _page(one) for one in museum.exhibits()}


def _page(exhibit: Exhibit) -> str:
    return f"""\
# {exhibit.name}

{exhibit.story}

| | |
|---|---|
| breaks the promise | `{exhibit.promise}` |
| replaces | `{exhibit.seam}` |
| seen in | {exhibit.source} |
| found under seed | {exhibit.trial.seed} |

`veristack museum run {exhibit.name}` runs it beside the healthy code; notebook 03 tells how.

## Its source

```python
{exhibit.code.rstrip()}
```
"""
