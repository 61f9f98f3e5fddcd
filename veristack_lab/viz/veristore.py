"""Figures of the store's experiments: the log's bytes, cuts, kills and recovery.

Figures of writers and of objects are in modules of their own; their names are here too.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.counting import counted
from veristack_lab.viz.layout import add_key, headed, panels, steps
from veristack_lab.viz.theme import DARK_INK, FILLS, PALETTE
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
    "segment header": FILLS["grey"],
    "crc32c": FILLS["purple"],
    "length": FILLS["green"],
    "LSN": FILLS["blue"],
    "epoch": FILLS["sky"],
    "type": FILLS["yellow"],
    "zero": FILLS["pale"],
    "payload": FILLS["sand"],
    "torn tail": FILLS["red"],
    "damage": FILLS["orange"],
}
_MAX_STRIP_BYTES = 2048
_FEW_KILLS = 8
"""At most this many bars have room for a number on each, on a narrow page too."""


def log_strip(frame: pd.DataFrame, *, bytes_per_row: int = 16) -> go.Figure:
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
    heatmap = go.Heatmap(
        z=_fold(codes, bytes_per_row, None),
        text=_fold(texts, bytes_per_row, ""),
        customdata=_fold(hovers, bytes_per_row, ""),
        y=[f"{row * bytes_per_row:04x}" for row in range(rows)],
        texttemplate="%{text}",
        textfont={"family": "monospace", "size": 10, "color": DARK_INK},
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=steps(list(_FIELD_COLOURS.values())),
        zmin=-0.5,
        zmax=len(kinds) - 0.5,
        showscale=False,
        xgap=1,
        ygap=3,
    )
    figure = go.Figure(heatmap)
    add_key(figure, {k: _FIELD_COLOURS[k] for number, k in enumerate(kinds) if number in codes})
    figure.update_xaxes(
        showgrid=False, range=[-0.5, bytes_per_row - 0.5], dtick=4, ticklen=0, zeroline=False
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", dtick=1)
    return headed(
        figure,
        f"{frame.attrs.get('segment', 'log')}: {size:,} bytes"
        + (f", and {room_bytes:,} of reserved room" if room_bytes else ""),
        height=130 + 22 * rows,
    )


def _fold(cells: list[object] | list[int] | list[str], width: int, empty: object) -> list[object]:
    padded = [*cells, *[empty] * (-len(cells) % width)]
    return [padded[first : first + width] for first in range(0, len(padded), width)]


def truncation(frame: pd.DataFrame) -> go.Figure:
    """How much survives a cut, for every byte at which a log can be cut.

    Args:
        frame: as `experiments.truncation_sweep` gives it.
    """
    figure, height = panels(
        ("writes found", "bytes cut off"), panel_px=140, gap_px=38, shared_xaxes=True
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
    figure.update_xaxes(title="bytes of the log that reached the disk", row=2)
    return headed(figure, "A log cut at every byte", height=height)


def kills(frame: pd.DataFrame) -> go.Figure:
    """What each kill cost: acknowledged writes, and the torn bytes that recovery cut off.

    Args:
        frame: as `experiments.kill_and_recover` gives it.
    """
    figure, height = panels(
        (
            "writes acknowledged before the kill",
            "lost, or kept though not acknowledged",
            "torn bytes that reopening cut off",
        ),
        panel_px=110,
        gap_px=34,
        shared_xaxes=True,
    )
    look = {"x": frame["kill"], "col": 1}
    found = frame["acknowledged"] - frame["lost"]
    figure.add_bar(
        y=found, name="acknowledged, and there", marker_color=PALETTE["blue"], row=1, **look
    )
    for column, name, colour, symbol in (
        ("unacknowledged_kept", "under way, and there as a whole", "sky", "circle"),
        ("lost", "acknowledged and lost", "red", "x"),
    ):
        figure.add_scatter(
            y=frame[column],
            name=name,
            mode="markers",
            marker={"color": PALETTE[colour], "size": 10, "symbol": symbol},
            row=2,
            **look,
        )
    figure.add_bar(
        y=frame["torn_bytes"],
        customdata=frame["recover_ms"],
        hovertemplate="%{y} bytes, recovered in %{customdata:.1f} ms<extra></extra>",
        text=[f"{size:,}" for size in frame["torn_bytes"]] if len(frame) <= _FEW_KILLS else None,
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        marker_color=PALETTE["orange"],
        showlegend=False,
        row=3,
        **look,
    )
    figure.update_xaxes(title="kill", row=3)
    figure.update_yaxes(range=[0, 1.3 * max(1, int(frame["torn_bytes"].max()))], row=3)
    return headed(
        figure,
        f"{counted(len(frame), 'kill')}: "
        f"{counted(int(frame['acknowledged'].sum()), 'write')} acknowledged, "
        f"{int(frame['lost'].sum())} lost",
        height=height,
    )


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
    figure.update_yaxes(type="log")
    return headed(figure, "Time to open the store", height=330, heading="milliseconds to open")
