"""The map of the stack agrees with the code, and its lines with its boxes."""

from __future__ import annotations

import ast
from pathlib import Path

import veristack_lab
from veristack_lab.viz import stack_map

PACKAGE = Path(veristack_lab.__file__).parent


def imported_layers(layer: str) -> set[str]:
    """The packages of ours that a layer's code imports."""
    found = set()
    for path in (PACKAGE / layer).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("veristack_lab"):
                names = [node.module or ""] + [f"{node.module}.{a.name}" for a in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            found |= {n.split(".")[1] for n in names if n.startswith("veristack_lab.")}
    return found


def test_every_layer_is_a_package_that_says_what_it_is() -> None:
    layers = stack_map.stack().query("kind == 'layer'")
    assert list(layers["name"]) == ["kernels", "veristore", "llmcache", "veriflow", "smartsearch"]
    assert (layers["modules"] > 1).all()
    assert layers["what"].str.len().min() > 20


def test_every_use_joins_two_things_on_the_map_and_leads_downwards_or_sideways() -> None:
    rows = stack_map.stack().set_index("name")["row"]
    for use in stack_map.uses().itertuples():
        assert rows[use.above] >= rows[use.below]


def test_what_is_joined_by_calls_in_one_process_is_joined_by_imports() -> None:
    assert "kernels" in imported_layers("veristore")
    assert "veristore" in imported_layers("llmcache")


def test_what_is_joined_by_a_client_needs_no_import_of_the_engine_room() -> None:
    assert not {"llmcache", "backends"} & imported_layers("smartsearch")
    assert not {"backends", "llmcache"} & imported_layers("veriflow")


def test_each_use_is_one_line_between_the_edges_of_its_boxes() -> None:
    uses = stack_map.uses()
    figure = stack_map.stack_map(stack_map.stack(), uses)
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert len(lines) == len(uses)
    edges = {(s.x0, s.x1, s.y0, s.y1) for s in figure.layout.shapes}
    for line in lines:
        for x, y in ((line.x[0], line.y[0]), (line.x[-1], line.y[-1])):
            assert any(x0 <= x <= x1 and y0 <= y <= y1 for x0, x1, y0, y1 in edges)
            assert not any(x0 < x < x1 and y0 < y < y1 for x0, x1, y0, y1 in edges)
