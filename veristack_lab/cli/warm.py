"""`veristack warm`: compile the kernels once, ahead of their first use."""

from __future__ import annotations


def command() -> None:
    """Compile every kernel now; the machine code is kept for later processes."""
    from rich.console import Console
    from rich.table import Table

    from veristack_lab import kernels
    from veristack_lab.runtime import progress

    console = Console()
    if not kernels.jit_enabled():
        console.print("JIT is off: the plain-Python kernels are used and need no compiling.")
        return
    with progress.bar("compiling kernels") as tick:
        taken = kernels.warm(tick)
    from veristack_lab.kernels import crc32c

    table = Table("kernel", title="Kernels ready")
    table.add_column("ms", justify="right")
    for name, milliseconds in taken:
        table.add_row(name, f"{milliseconds:,.1f}")
    table.add_section()
    table.add_row("all", f"{sum(milliseconds for _, milliseconds in taken):,.1f}")
    console.print(table)
    console.print(f"checksums: {crc32c.tier()}")
