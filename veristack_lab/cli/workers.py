"""The option `--workers` of commands that sweep, and the pool that it asks for."""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

Workers = Annotated[
    int,
    typer.Option(min=0, max=1024, help="Processes; 0 = one per processor, 1 = this process only."),
]


def pool_of(workers: int) -> AbstractContextManager[Executor | None]:
    """What does the work: a pool of processes, or None for this process."""
    from veristack_lab.runtime.pools import process_pool

    return nullcontext(None) if workers == 1 else process_pool(workers or None)
