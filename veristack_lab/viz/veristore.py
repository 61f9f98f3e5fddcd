"""Figures of the store's experiments: the log's bytes, cuts, kills and recovery.

Figures of writers and of objects are in modules of their own; their names are here too.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from veristack_lab.errors import InvalidInput
from veristack_lab.viz import PALETTE
from veristack_lab.viz.veristore_commit import (
    group_commit,
    handles,
    loss_window,
    loss_window_ms,
    wakeups,
)
from veristack_lab.viz.veristore_objects import commit_point

__all__ = [
    "commit_point",
    "group_commit",
    "handles",
    "kills",
    "log_strip",
    "loss_window",
    "loss_window_ms",
    "recovery_time",
    "truncation",
    "wakeups",
]

_FIELD_COLOURS = {
    "segment header": PALETTE["grey"],
    "crc32c": PALETTE["purple"],
    "length": PALETTE["green"],
    "LSN": PALETTE["blue"],
    "epoch": PALETTE["sky"],
    "type": PALETTE["yellow"],
    "zero": "#E8E8E8",
    "payload": "#F7DFB0",
    "torn tail": PALETTE["red"],
    "damage": PALETTE["orange"],
}
_MAX_STRIP_BYTES = 2048


def log_strip(frame: pd.DataFrame, *, bytes_per_row: int = 32) -> go.Figure:
    """The bytes of a log as a strip of coloured cells, for `log_anatomy` of a short log.

    Args:
        frame: one row a field, as `anatomy.log_anatomy` gives it. Room that is reserved is given by
            its size and not drawn.
        bytes_per_row: where the strip is folded.

    Raises:
        InvalidInput: the log is longer than 2,048 bytes, and the strip would be unreadable.
    """
    is_room = frame["name"] == "reserved"
    room_bytes, frame = int(frame["size_bytes"][is_room].sum()), frame[~is_room]
    size = int(frame["size_bytes"].sum())
    if size > _MAX_STRIP_BYTES:
        raise InvalidInput(f"a strip of {size:,} bytes; show a log of up to {_MAX_STRIP_BYTES:,}")
    kinds = list(_FIELD_COLOURS)
    codes: list[int] = []
    texts: list[str] = []
    hovers: list[str] = []
    for lsn, name, meaning, raw in zip(
        frame["record"].tolist(), frame["name"], frame["meaning"], frame["raw"], strict=True
    ):
        owner = f"record {lsn}, " if lsn > 0 else ""
        codes += [kinds.index("segment header" if lsn == 0 else name)] * (len(raw) // 2)
        texts += [raw[position : position + 2] for position in range(0, len(raw), 2)]
        hovers += [f"{owner}{name}<br>{meaning}"] * (len(raw) // 2)
    rows = -(-size // bytes_per_row)
    steps = [
        (edge / len(kinds), colour)
        for number, colour in enumerate(_FIELD_COLOURS.values())
        for edge in (number, number + 1)
    ]
    heatmap = go.Heatmap(
        z=_fold(codes, bytes_per_row, None),
        text=_fold(texts, bytes_per_row, ""),
        customdata=_fold(hovers, bytes_per_row, ""),
        y=[f"{row * bytes_per_row:04x}" for row in range(rows)],
        texttemplate="%{text}",
        textfont={"family": "monospace", "size": 10},
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=steps,
        zmin=-0.5,
        zmax=len(kinds) - 0.5,
        showscale=False,
        xgap=1,
        ygap=3,
    )
    figure = go.Figure(heatmap)
    for kind in (kind for number, kind in enumerate(kinds) if number in codes):
        marker = {"symbol": "square", "size": 11, "color": _FIELD_COLOURS[kind]}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=kind)
    figure.update_layout(
        title=f"{frame.attrs.get('segment', 'log')}: {size:,} bytes"
        + (f", and {room_bytes:,} of reserved room" if room_bytes else ""),
        height=130 + 24 * rows,
        xaxis={"showgrid": False, "range": [-0.5, bytes_per_row - 0.5]},
        yaxis={"autorange": "reversed", "showgrid": False, "type": "category"},
        legend={"y": -0.3, "yanchor": "top", "x": 0, "xanchor": "left"},
    )
    return figure


def _fold(cells: list[object] | list[int] | list[str], width: int, empty: object) -> list[object]:
    padded = [*cells, *[empty] * (-len(cells) % width)]
    return [padded[first : first + width] for first in range(0, len(padded), width)]


def truncation(frame: pd.DataFrame) -> go.Figure:
    """How much survives a cut, for every byte at which a log can be cut.

    Args:
        frame: as `experiments.truncation_sweep` gives it.
    """
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12, row_heights=[0.6, 0.4]
    )
    for row, (column, colour) in enumerate((("keys", "blue"), ("torn_bytes", "orange")), 1):
        figure.add_scatter(
            x=frame["cut"],
            y=frame[column],
            line={"shape": "hv" if column == "keys" else "linear", "color": PALETTE[colour]},
            showlegend=False,
            row=row,
            col=1,
        )
    figure.update_yaxes(title="writes found", row=1, col=1)
    figure.update_yaxes(title="bytes cut off", row=2, col=1)
    figure.update_xaxes(title="bytes of the log that reached the disk", row=2, col=1)
    figure.update_layout(title="A log cut at every byte", height=420)
    return figure


def kills(frame: pd.DataFrame) -> go.Figure:
    """What each kill cost: acknowledged writes, and the torn bytes that recovery cut off.

    Args:
        frame: as `experiments.kill_and_recover` gives it.
    """
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.1,
        subplot_titles=("writes acknowledged before the kill", "torn bytes cut off at reopening"),
    )
    series = (
        ("acknowledged", "acknowledged, and there after recovery", "blue"),
        ("unacknowledged_kept", "under way, and there as a whole", "sky"),
        ("lost", "acknowledged and lost", "red"),
    )
    found = frame["acknowledged"] - frame["lost"]
    for column, name, colour in series:
        heights = found if column == "acknowledged" else frame[column]
        figure.add_bar(
            x=frame["kill"], y=heights, name=name, marker_color=PALETTE[colour], row=1, col=1
        )
    figure.add_bar(
        x=frame["kill"],
        y=frame["torn_bytes"],
        customdata=frame["recover_ms"],
        hovertemplate="%{y} bytes, recovered in %{customdata:.1f} ms<extra></extra>",
        marker_color=PALETTE["orange"],
        showlegend=False,
        row=2,
        col=1,
    )
    figure.update_layout(
        title=f"{len(frame)} kills: {int(frame['acknowledged'].sum()):,} writes acknowledged, "
        f"{int(frame['lost'].sum())} lost",
        barmode="stack",
        height=500,
        margin={"t": 80},
        legend={"y": -0.2, "yanchor": "top", "x": 0, "xanchor": "left"},
    )
    figure.update_xaxes(title="kill", row=2, col=1)
    figure.update_yaxes(type="log", row=2, col=1)
    return figure


def recovery_time(frame: pd.DataFrame) -> go.Figure:
    """How long opening takes, from the log and from a snapshot.

    Args:
        frame: as `experiments.recovery_sweep` gives it.
    """
    figure = go.Figure()
    series = (
        ("recover_ms", "from the log", "blue"),
        ("snapshot_ms", "after a checkpoint", "green"),
    )
    for column, name, colour in series:
        figure.add_scatter(
            x=frame["records"], y=frame[column], name=name, line_color=PALETTE[colour]
        )
    figure.update_xaxes(title="records in the log", type="log")
    figure.update_yaxes(title="milliseconds to open", type="log")
    figure.update_layout(title="Time to open the store", height=380)
    return figure
