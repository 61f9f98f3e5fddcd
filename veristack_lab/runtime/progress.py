"""Progress of anything that takes longer than two seconds.

Experiments take `on_progress: OnProgress | None` and call it with (done, total); they never
draw. `bar()` draws it, on a terminal and in a notebook alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

OnProgress = Callable[[int, int], None]
"""Called with (done, total), from any thread, any number of times."""


def silent(done: int, total: int) -> None:
    """Progress that is not shown."""


@contextmanager
def bar(description: str, total: int | None = None) -> Iterator[OnProgress]:
    """Draw one progress bar on stderr while the body runs.

    Args:
        description: what is being done, as a short phrase.
        total: how many steps there are, if known before the first one.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total)

        def tick(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tick
