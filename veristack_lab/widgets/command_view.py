"""What all views with commands have in common: one state, one queue, one way to close."""

from __future__ import annotations

import atexit
import re
import threading
import weakref
from collections.abc import Callable
from typing import Any, Self

import anywidget
import traitlets

from veristack_lab.errors import InvalidInput
from veristack_lab.widgets import stills as stills_of
from veristack_lab.widgets.loop import Loop, Model, View

_NAME = re.compile(r"[A-Za-z][\w-]*\Z")

_shown: weakref.WeakSet[CommandView] = weakref.WeakSet()
_open: dict[str, CommandView] = {}
_open_lock = threading.Lock()


class CommandView(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is not typed
    """A drawing of a model's view. A click and `send` do the same: they enqueue a command.

    Args:
        model: what to show; from now on only this view's thread touches it.
        name: what the view is called, and the middle of its DOM ids `veristack-NAME-...`. A
            new view of the same name closes the older one, so a cell can be run again.

    Raises:
        InvalidInput: the name is not a letter followed by letters, digits, `-` and `_`.
    """

    state = traitlets.Dict().tag(sync=True)
    _namesake: str = ""
    """Views close older ones of their name and of the same value here only."""

    def __init__(self, model: Model, *, name: str) -> None:
        self._check_name(name)
        self._name = name
        self._key = f"{self._namesake}/{name}"
        self._loop = Loop(name, model, self._publish)
        super().__init__(state=self._loop.latest)
        self.on_msg(self._on_message)
        with _open_lock:
            older = _open.get(self._key)
            _open[self._key] = self
        _shown.add(self)
        if older is not None:
            older.dispose()
        self._loop.start()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def snapshot(self) -> View:
        """What is shown right now, as fresh JSON values; never waits."""
        return self._loop.latest

    def send(self, op: str, argument: object = None) -> int:
        """Enqueue one command; returns its number at once.

        It has been carried out, or refused with a `note`, when `done` of a snapshot has
        reached the number.

        Raises:
            InvalidInput: there is no such command, or its argument cannot be used.
            ViewClosed: the view was closed.
        """
        return self._loop.send(op, argument)

    def do(self, op: str, argument: object = None, timeout_s: float = 60.0) -> View:
        """`send`, and wait until it has been carried out; the snapshot after it."""
        number = self.send(op, argument)
        return self._loop.wait_for(lambda seen: bool(seen["done"] >= number), timeout_s)

    def wait_for(self, predicate: Callable[[View], bool], timeout_s: float = 60.0) -> View:
        """The first snapshot that satisfies the predicate.

        Raises:
            WaitExpired: none did in time, or the view was closed first.
        """
        return self._loop.wait_for(predicate, timeout_s)

    def still(self) -> str:
        """What is shown right now, as plain HTML that needs no kernel and no script."""
        view = self.snapshot()
        return stills_of.page(view, self._still(view))

    def _still(self, view: View) -> list[str]:
        """The parts of `still`, made by a function of `stills`.

        A view without any is stored by its line of text alone.
        """
        del view
        return []

    def close(self) -> None:
        """Carry out pending commands and stop the thread. The drawing stays. Idempotent."""
        loop = self.__dict__.get("_loop")
        if loop is None:
            return  # the constructor refused its arguments
        loop.close()
        with _open_lock:
            if _open.get(self._key) is self:
                del _open[self._key]

    def dispose(self) -> None:
        """`close`, and remove the drawing too."""
        self.close()
        super().close()

    def _check_name(self, name: str) -> None:
        if not _NAME.match(name):
            raise InvalidInput(f"a view's name is letters, digits, - and _, not {name!r}")

    def _publish(self, snapshot: View) -> None:
        self.state = snapshot

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        # May run on the main thread or on a subshell's, between cells or within one.
        if isinstance(content, dict):
            self._loop.hear(content.get("op"), content.get("argument"))


def stills() -> dict[str, str]:
    """The last state of every view of this process, as HTML by the id of its widget's model.

    Views that were disposed of are gone from the page, and from here; so are those without parts.
    """
    there = [view for view in list(_shown) if view.comm is not None]
    return {view.model_id: view.still() for view in there if view._still(view.snapshot())}


@atexit.register
def _close_all() -> None:
    for view in list(_open.values()):
        view.close()
