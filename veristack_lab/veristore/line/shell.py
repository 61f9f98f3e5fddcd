"""The line protocol typed by hand: with history on a terminal, plain when piped into."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from veristack_lab.veristore.folder import HISTORY_NAME
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.line.commands import (
    BYE,
    VERBS,
    BadLength,
    execute,
    execute_by_length,
    lengths,
)

_PROMPT = "veristore> "


def run(store: Store) -> None:
    """Read commands from standard input until EXIT or its end; replies go to standard output."""
    lines = _typed(store) if sys.stdin.isatty() else _piped()
    for line in lines:
        if not line.strip():
            continue
        try:
            reply = _answer(store, line)
        except BadLength as error:
            print(error, flush=True)
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(reply + b"\n")
        sys.stdout.buffer.flush()
        if reply == BYE.encode():
            return


def _answer(store: Store, line: bytes) -> bytes:
    """The reply. Raises `BadLength` if the start of the next command is unknown."""
    sizes = lengths(line)
    if sizes is None:
        return execute(store, line).encode()
    if sys.stdin.isatty():
        return b"ERR commands by length are for pipes and sockets; use PUT, GET and DEL here"
    parts = tuple(sys.stdin.buffer.read(size) for size in sizes)
    if sys.stdin.buffer.read(1) != b"\n":
        raise BadLength("ERR no newline stands behind what the lengths say")
    return execute_by_length(store, line, parts)


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
