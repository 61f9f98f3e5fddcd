"""Make an SVG of plotly small, without changing what is seen.

A drawing of plotly repeats fonts and colours at every element, carries classes and invisible
rectangles for the mouse, and writes thirteen digits after a point. What is left here: one font at
the top, presentation attributes (a page may forbid styles), tenths of a pixel, groups that share
what their members have in common, and ids that are the same in every run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
FONT = {"font-family": "system-ui, sans-serif", "font-size": "12px"}
INHERITED = (
    *("fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width"),
    *("font-family", "font-size", "font-weight", "text-anchor"),
)
SHARED_BY = 3
"""From this number of neighbours on a group of their own pays."""
KEPT_STYLES = {*INHERITED, "opacity", "stroke-dasharray", "clip-path", "visibility", "display"}
DEFAULTS = {
    "opacity": "1",
    "fill-opacity": "1",
    "stroke-opacity": "1",
    "stroke-dasharray": "0px",
    "font-weight": "normal",
    "text-anchor": "start",
    "clip-path": "none",
    "transform": "",
}
KEPT_ATTRIBUTES = {
    *("id", "d", "x", "y", "dx", "dy", "width", "height", "transform", "points", "viewBox"),
    *("r", "cx", "cy", "preserveAspectRatio", "patternUnits", "patternTransform"),
    *("clipPathUnits", "text-anchor", "clip-path", "fill", f"{{{XLINK}}}href"),
}
NUMBERS = ("d", "x", "y", "width", "height", "transform", "points", "dx")

_NUMBER = re.compile(r"-?\d+\.\d\d+(?:e-?\d+)?")
_RGB = re.compile(r"rgb\((\d+), (\d+), (\d+)\)")
_STILL = re.compile(r"(?:translate\(0(?:, ?0)?\)|rotate\(0(?:,[^)]*)?\)|scale\(1\)) ?")
_REFERENCE = re.compile(r"url\([\"']?#([\w-]+)[\"']?\)")

ET.register_namespace("", SVG)
ET.register_namespace("xlink", XLINK)


def slim(drawing: str, *, title: str, prefix: str) -> str:
    """A smaller SVG that looks the same.

    Args:
        drawing: as `Plotly.toImage` gives it.
        title: what the picture is called, for those who hear pages.
        prefix: begins each id. Pictures in one page must not share ids.
    """
    root = ET.fromstring(drawing)
    for node in root.iter():
        _simplify(node)
    _prune(root)
    _share(root)
    _rename(root, prefix)
    root.attrib.pop("style", None)
    root.attrib.update({**FONT, "role": "img"})
    name = ET.Element(f"{{{SVG}}}title")
    name.text = title
    root.insert(0, name)
    return ET.tostring(root, encoding="unicode")


def _tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _simplify(node: ET.Element) -> None:
    """Styles to attributes, and nothing that is not drawn."""
    styles = [part.partition(":") for part in node.attrib.pop("style", "").split(";")]
    values = {name: value for name, value in node.attrib.items() if name in KEPT_ATTRIBUTES}
    values |= {n.strip(): v.strip() for n, _, v in styles if n.strip() in KEPT_STYLES}
    for name in NUMBERS:
        if name in values:
            values[name] = _NUMBER.sub(_rounded, values[name])
    if "transform" in values:
        values["transform"] = _STILL.sub("", values["transform"]).strip()
    values = {name: _RGB.sub(_hex, value) for name, value in values.items()}
    if values.get("stroke-width") in ("0", "0px") or values.get("stroke-opacity") == "0":
        values = {n: v for n, v in values.items() if not n.startswith("stroke")}
        values["stroke"] = "none"
    if "stroke" not in values:
        values.pop("stroke-width", None)
    if values.get("fill-opacity") == "0":
        del values["fill-opacity"]
        values["fill"] = "none"
    dropped = DEFAULTS | FONT
    node.attrib.clear()
    node.attrib.update({n: v for n, v in values.items() if dropped.get(n) != v})
    if values.get("stroke") == "none" and _tag(node) != "g":
        node.attrib.pop("stroke")  # nothing above it sets one: groups of plotly have no strokes


def _rounded(match: re.Match[str]) -> str:
    return f"{round(float(match[0]), 1) + 0:g}"


def _hex(match: re.Match[str]) -> str:
    return "#" + "".join(f"{int(channel):02x}" for channel in match.groups())


def _prune(node: ET.Element) -> None:
    """Take out what draws nothing, and groups that say nothing."""
    for child in list(node):
        _prune(child)
        place = list(node).index(child)
        tag = _tag(child)
        unseen = child.get("fill") == "none" and child.get("stroke") is None
        if tag in ("rect", "path", "circle") and (unseen or (tag == "path" and not child.get("d"))):
            if _tag(node) != "clipPath":
                node.remove(child)
        elif tag in ("g", "defs") and len(child) == 0:
            node.remove(child)
        elif tag == "g" and not child.attrib:
            node.remove(child)
            for number, member in enumerate(list(child)):
                node.insert(place + number, member)
        child.tail = None if tag != "tspan" else child.tail


def _share(node: ET.Element) -> None:
    """Say once what several neighbours have in common."""
    for child in node:
        _share(child)
    if _tag(node) not in ("g", "svg"):
        return
    runs: list[tuple[dict[str, str], list[ET.Element]]] = []
    for child in node:
        common = {name: child.attrib[name] for name in INHERITED if name in child.attrib}
        if runs and runs[-1][0] == common:
            runs[-1][1].append(child)
        else:
            runs.append((common, [child]))
    for common, members in runs:
        if not common or len(members) < SHARED_BY:
            continue
        for member in members:
            for name in common:
                del member.attrib[name]
        if len(members) == len(node) and not common.keys() & node.attrib.keys():
            node.attrib.update(common)
            continue
        group = ET.Element(f"{{{SVG}}}g", common)
        node.insert(list(node).index(members[0]), group)
        for member in members:
            node.remove(member)
            group.append(member)


def _references(root: ET.Element) -> Iterator[str]:
    for node in root.iter():
        for value in node.attrib.values():
            yield from _REFERENCE.findall(value)


def _rename(root: ET.Element, prefix: str) -> None:
    """Ids by their order, and only those that something refers to."""
    names = {old: f"{prefix}{n}" for n, old in enumerate(dict.fromkeys(_references(root)))}
    for parent in list(root.iter()):
        for child in list(parent):
            if _tag(child) in ("clipPath", "pattern") and child.get("id") not in names:
                parent.remove(child)
    for node in root.iter():
        if "id" in node.attrib:
            name = names.get(node.attrib.pop("id"))
            if name is not None:
                node.set("id", name)
        for attribute, value in node.attrib.items():
            node.set(attribute, _REFERENCE.sub(lambda m: f"url(#{names[m[1]]})", value))
