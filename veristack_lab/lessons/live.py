"""Something shown in a notebook that is brought up to date in place, or a line of text elsewhere.

A display has an id (Jupyter's `display_id`), by which the kernel replaces what is shown, from any
thread, whichever cell is running. What is saved with the notebook is what was shown last. After
the page was reloaded the front end may have forgotten the id: running the cell again shows the
present state.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

Bundle = dict[str, Any]
"""Contents by MIME type; `text/plain` is always among them."""

Render = Callable[[], Bundle]


def bundle_of(shown: object) -> Bundle:
    """What a notebook would show for a value: a figure, a frame, a text."""
    if hasattr(shown, "_repr_mimebundle_"):  # plotly's figures print themselves otherwise
        found = shown._repr_mimebundle_()
        data = dict(found[0] if isinstance(found, tuple) else found or {})
        words = data.get("text/plain", "")
        return {**data, "text/plain": words if words and "\n" not in words else repr_line(shown)}
    shell = _shell()
    if shell is None:
        return {"text/plain": str(shown)}
    data, _metadata = shell.display_formatter.format(shown)
    return {"text/plain": str(shown), **data}


def repr_line(shown: object) -> str:
    """A short name for something that is drawn."""
    return f"<{type(shown).__name__}>"


class Live:
    """One display, drawn by a function that is called again for each refresh.

    Args:
        render: what to show now.
    """

    def __init__(self, render: Render) -> None:
        self._render = render
        self._id = uuid4().hex
        self._lock = threading.Lock()
        self._shown: Bundle | None = None

    def show(self) -> None:
        """Show it below the running cell; in a script, print its text."""
        with self._lock:
            self._shown = self._render()
            shell = _shell()
            if shell is not None:
                shell.display_pub.publish(self._shown, transient={"display_id": self._id})
            elif text := self._shown["text/plain"]:
                print(text)  # on the caller's thread: refreshes print nothing

    def refresh(self) -> None:
        """Replace what is shown, if it has changed since. Never raises: it may run on any thread,
        and what cannot be drawn is shown as that.
        """
        shell = _shell()
        with self._lock:
            if shell is None or self._shown is None:
                return
            try:
                now = self._render()
                is_new = bool(now != self._shown)
            except Exception as error:  # noqa: BLE001 - a thread has no caller to raise to
                now = {"text/plain": f"cannot be shown: {type(error).__name__}: {error}"}
                is_new = True
            if is_new:
                self._shown = now
                shell.display_pub.publish(now, transient={"display_id": self._id}, update=True)


def _shell() -> Any:
    """The IPython shell of this process; None in a script."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()
