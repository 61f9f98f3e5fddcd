"""Write what the tour found: a page with pictures, the claims as JSON, the table as an SVG."""

from __future__ import annotations

import io
import platform
import re
from importlib.metadata import version
from pathlib import Path

import jinja2
from rich.console import Console
from rich.table import Table

from veristack_lab.runtime.claims import write_json
from veristack_lab.tour.run import TourResult

TEMPLATE = Path(__file__).with_name("report.html.j2")
SVG_WIDTH_COLUMNS = 150
MIB = 1 << 20


def table(result: TourResult) -> Table:
    """The claims as a table for the terminal."""
    grid = Table(show_lines=True, title_justify="left", expand=True)
    grid.add_column("layer", style="bold", no_wrap=True)
    grid.add_column("promise", ratio=4)
    grid.add_column("what was done to break it", ratio=4)
    grid.add_column("observed", ratio=4)
    grid.add_column("verdict", no_wrap=True)
    for claim in result.claims:
        verdict = "[green]kept[/]" if claim.kept else "[bold red]BROKEN[/]"
        cells = (claim.promise, claim.broken_by, claim.observed)
        grid.add_row(claim.layer, *(cell.replace("[", "\\[") for cell in cells), verdict)
    return grid


def summary(result: TourResult) -> str:
    """One line: how many claims held, how long it took, how much memory at worst."""
    kept = sum(claim.kept for claim in result.claims)
    return (
        f"{kept} of {len(result.claims)} claims kept, seed {result.seed}"
        f"{', quick' if result.quick else ''}, {result.duration_s:.0f} s,"
        f" peak memory {result.peak_bytes / MIB:,.0f} MiB in {result.peak_processes} processes"
    )


def write(result: TourResult, out: Path) -> Path:
    """Write `index.html`, `claims.json` and `tour.svg` into `out`; the path of the page."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(result.claims, out / "claims.json")
    (out / "tour.svg").write_text(svg(result))
    page = out / "index.html"
    page.write_text(html(result))
    return page


def svg(result: TourResult) -> str:
    """The table as a picture, with no font fetched from anywhere."""
    console = Console(record=True, width=SVG_WIDTH_COLUMNS, file=io.StringIO())
    console.print(table(result))
    console.print(summary(result), highlight=False)
    picture = console.export_svg(title=f"veristack tour --seed {result.seed}", unique_id="tour")
    picture = re.sub(r"@font-face\s*\{[^}]*\}", "", picture)
    picture = picture.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return re.sub(r"<!--.*?-->", "", picture, flags=re.DOTALL)


def html(result: TourResult) -> str:
    """One page that needs nothing from the network: plotly's script is inside."""
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    figures = [
        {
            "layer": picture.layer,
            "title": picture.title,
            "caption": picture.caption,
            "html": picture.figure.to_html(
                full_html=False, include_plotlyjs=False, config={"displaylogo": False}
            ),
        }
        for picture in result.pictures
    ]
    return environment.from_string(TEMPLATE.read_text()).render(
        plotly=get_plotlyjs(),
        summary=summary(result),
        claims=result.claims,
        figures=figures,
        layers=result.layers,
        facts=f"veristack-lab {version('veristack-lab')}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
    )
