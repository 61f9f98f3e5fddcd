"""Figures of the store's experiments: the log's bytes, recovery, group commit."""

from __future__ import annotations

import itertools

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from veristack_lab.errors import InvalidInput
from veristack_lab.viz import PALETTE

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
_LEVEL_COLOURS = ("blue", "orange", "red", "purple", "green")


def log_strip(frame: pd.DataFrame, *, bytes_per_row: int = 32) -> go.Figure:
    """The bytes of a log as a strip of coloured cells, for `log_anatomy` of a short log.

    Args:
        frame: one row a field, as `anatomy.log_anatomy` gives it.
        bytes_per_row: where the strip is folded.

    Raises:
        InvalidInput: the log is longer than 2,048 bytes; nobody could read the strip.
    """
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
        title=f"{frame.attrs.get('segment', 'log')}: {size:,} bytes",
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


def group_commit(frame: pd.DataFrame) -> go.Figure:
    """Puts a second, and records a sync, against the number of writers, at each level.

    Args:
        frame: as `experiments.group_commit_sweep` gives it.
    """
    figure = make_subplots(rows=1, cols=2, subplot_titles=("puts a second", "records a sync"))
    for level, colour in zip(dict.fromkeys(frame["level"]), _LEVEL_COLOURS, strict=False):
        part = frame[frame["level"] == level]
        rates = part.groupby("writers")["puts_per_s"]
        median, per_sync = rates.median(), part.groupby("writers")["records_per_sync"].median()
        look = {"name": level, "legendgroup": level, "line_color": PALETTE[colour]}
        figure.add_scatter(
            x=median.index,
            y=median,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": rates.max() - median,
                "arrayminus": median - rates.min(),
                "thickness": 1,
            },
            row=1,
            col=1,
            **look,
        )
        per_sync = per_sync[per_sync > 0]  # a level that never asked for a sync has no groups
        figure.add_scatter(x=per_sync.index, y=per_sync, showlegend=False, row=1, col=2, **look)
    raw = frame.groupby("writers")["raw_per_s"].median()
    figure.add_scatter(
        x=raw.index,
        y=raw,
        name="bare disk: one sync a write",
        line={"color": PALETTE["grey"], "dash": "dash"},
        row=1,
        col=1,
    )
    ticks = sorted(int(count) for count in frame["writers"].unique())
    figure.update_xaxes(title="writers", type="log", tickvals=ticks)
    figure.update_yaxes(type="log", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    _legend_below(figure, "One sync for many writers: median, lowest and highest round", 420)
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


def loss_window(frame: pd.DataFrame) -> go.Figure:
    """Writes that returned and were gone after a power cut, at each durability level.

    Args:
        frame: as `experiments.loss_window` gives it.
    """
    levels = list(dict.fromkeys(frame["level"]))
    figure = make_subplots(
        rows=1,
        cols=len(levels),
        subplot_titles=levels,
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    looks = {"lost": ("worst cut", "red"), "any": ("some cut", "orange"), "kept": ("kill", "blue")}
    for column, level in enumerate(levels, 1):
        part = frame[frame["level"] == level]
        for cut in (cut for cut in looks if cut in set(part["cut"])):
            rows, (name, colour) = part[part["cut"] == cut], looks[cut]
            figure.add_scatter(
                x=rows["returned"],
                y=rows["lost"],
                name=name,
                legendgroup=cut,
                showlegend=column == 1,
                mode="markers" if cut == "any" else "lines+markers",
                line={"shape": "hv", "color": PALETTE[colour]},
                marker={"size": 5},
                row=1,
                col=column,
            )
    figure.update_xaxes(title="writes that had returned")
    figure.update_yaxes(title="of them lost", row=1, col=1)
    _legend_below(figure, "What a power cut takes", 380)
    return figure


def loss_window_ms(frame: pd.DataFrame) -> go.Figure:
    """How old the oldest write is that the worst power cut takes, at `Interval(ms=...)`.

    Args:
        frame: as `experiments.loss_window_ms` gives it.
    """
    ms = frame.attrs["ms"]
    figure = go.Figure()
    figure.add_scatter(
        x=frame["at_ms"],
        y=frame["oldest_lost_ms"],
        customdata=frame["lost"],
        hovertemplate="cut at %{x:.0f} ms: %{customdata} lost, %{y:.1f} ms old<extra></extra>",
        mode="lines+markers",
        marker={"size": 4},
        line_color=PALETTE["red"],
        showlegend=False,
    )
    figure.add_hline(y=ms, line={"color": PALETTE["grey"], "dash": "dash"})
    figure.update_xaxes(title="milliseconds after the first write")
    figure.update_yaxes(title="age of the oldest lost write, ms", rangemode="tozero")
    figure.update_layout(title=f"What a power cut takes at Interval(ms={ms:g})", height=340)
    return figure


def wakeups(frame: pd.DataFrame) -> go.Figure:
    """Group size, context switches and processor time a record, for each way to wait.

    Args:
        frame: as `experiments.wakeups_sweep` gives it.
    """
    panels = {
        "records_per_sync": "records a sync",
        "switches_per_put": "context switches a record",
        "cpu_us_per_put": "processor µs a record",
    }
    figure = make_subplots(rows=1, cols=3, subplot_titles=list(panels.values()))
    medians = frame.groupby(["way", "writers"], as_index=False).median(numeric_only=True)
    ways = zip(dict.fromkeys(frame["way"]), ("red", "orange", "blue"), strict=True)
    for (way, colour), (column, value) in itertools.product(ways, enumerate(panels, 1)):
        part = medians[medians["way"] == way]
        figure.add_scatter(
            x=part["writers"],
            y=part[value],
            name=way,
            legendgroup=way,
            showlegend=column == 1,
            line_color=PALETTE[colour],
            row=1,
            col=column,
        )
    ticks = sorted(int(count) for count in medians["writers"].unique())
    figure.update_xaxes(title="writers", type="log", tickvals=ticks)
    figure.update_yaxes(rangemode="tozero")
    _legend_below(figure, "Whom to wake, and whom to take", 400)
    return figure


def handles(frame: pd.DataFrame) -> go.Figure:
    """Durable puts a second of one thread, against how many it keeps in flight.

    Args:
        frame: as `experiments.handles_sweep` gives it.
    """
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=("durable puts a second", "records a sync")
    )
    medians = frame.groupby("depth", as_index=False).median(numeric_only=True)
    for column, (value, colour) in enumerate(
        {"puts_per_s": "blue", "records_per_sync": "green"}.items(), 1
    ):
        figure.add_scatter(
            x=medians["depth"],
            y=medians[value],
            line_color=PALETTE[colour],
            showlegend=False,
            row=1,
            col=column,
        )
    ticks = [int(depth) for depth in medians["depth"]]
    figure.update_xaxes(title="puts in flight", type="log", tickvals=ticks)
    figure.update_yaxes(type="log", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    figure.update_layout(title="One thread that does not wait for each", height=360)
    figure.update_layout(margin={"t": 80})
    return figure


def _legend_below(figure: go.Figure, title: str, height: int) -> None:
    figure.update_layout(
        title=title,
        height=height,
        margin={"t": 80},
        legend={"y": -0.3, "yanchor": "top", "x": 0, "xanchor": "left"},
    )


_FOUND_COLOURS = {
    "nothing": "#E8E8E8",
    "old": PALETTE["sky"],
    "new": PALETTE["green"],
    "broken": PALETTE["red"],
}


def commit_point(frame: pd.DataFrame) -> go.Figure:
    """What a reader finds after a power cut before each disk operation of one act.

    Args:
        frame: as `experiments.commit_point` gives it.
    """
    kinds, cuts = list(_FOUND_COLOURS), list(dict.fromkeys(frame["cut"]))
    names = {"lost": "all unsynced lost", "any": "some of it lost", "kept": "all kept"}
    known = frame["found"].where(frame["found"].isin(kinds), "broken")
    table = frame.assign(kind=known).pivot(index="done", columns="cut", values=["kind", "found"])
    operations = frame.drop_duplicates("done").set_index("done")["operation"]
    steps = [
        (edge / len(kinds), colour)
        for number, colour in enumerate(_FOUND_COLOURS.values())
        for edge in (number, number + 1)
    ]
    heatmap = go.Heatmap(
        z=[[kinds.index(kind) for kind in row] for row in table["kind"][cuts].to_numpy()],
        text=table["found"][cuts].to_numpy(),
        x=[names.get(cut, cut) for cut in cuts],
        y=[f"{done}: {operation}" for done, operation in operations.items()],
        texttemplate="%{text}",
        hovertemplate="cut before %{y}<br>%{x}: %{text}<extra></extra>",
        colorscale=steps,
        zmin=-0.5,
        zmax=len(kinds) - 0.5,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    figure = go.Figure(heatmap)
    figure.update_layout(
        title=f"{frame.attrs['act']}: power cut before each disk operation",
        height=140 + 26 * len(operations),
        xaxis={"side": "top"},
        yaxis={"autorange": "reversed", "tickfont": {"family": "monospace", "size": 11}},
        margin={"l": 300, "t": 90},
    )
    return figure
