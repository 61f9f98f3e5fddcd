"""The line protocol typed by hand: with history on a terminal, plain when piped into."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from veristack_lab.veristore.commands import BYE, VERBS, execute
from veristack_lab.veristore.folder import HISTORY_NAME
from veristack_lab.veristore.kv import Store

_PROMPT = "veristore> "


def run(store: Store) -> None:
    """Read commands from standard input until EXIT or its end; replies go to standard output."""
    lines = _typed(store) if sys.stdin.isatty() else _piped()
    for line in lines:
        if not line.strip():
            continue
        reply = execute(store, line)
        print(reply, flush=True)
        if reply == BYE:
            return


def _piped() -> Iterator[bytes]:
    for line in sys.stdin.buffer:
        yield line.removesuffix(b"\n")


def _typed(store: Store) -> Iterator[bytes]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    session: PromptSession[str] = PromptSession(
        _PROMPT,
        history=FileHistory(str(store.path / HISTORY_NAME)),
        completer=WordCompleter(list(VERBS), ignore_case=True, sentence=True),
    )
    print(f"{store!r}. Commands: {', '.join(VERBS)}")
    while True:
        try:
            yield session.prompt().encode(errors="replace")
        except KeyboardInterrupt:
            continue  # as in any shell: Ctrl-C drops the line, Ctrl-D ends
        except EOFError:
            return
