"""The picture of a first bad event: what happened on the store, in order, and what is left."""

from __future__ import annotations

import itertools

from veristack_lab.labs.pictures import of_events

TITLE = "the store in order, what is durable at the end, and what follows"
ME, OTHERS, LEFT = "your code", "meanwhile", "durable"


class Story:
    """Rows of who did what. Each operation is durable from the moment that it has its row.

    Args:
        tell: a list of (key, value or None) in words.
    """

    def __init__(self, tell):
        self._tell, self._rows = tell, []

    def note(self, what, who=ME):
        """`what` is words, or a function without arguments that finds them when they are needed."""
        self._rows.append((who, what))

    def by_others(self, before, store, act):
        """Let `act` happen; what it does to the store is done by others."""
        at = len(self._rows)
        act(store)
        self._rows[at:] = [(OTHERS, what) for _, what in self._rows[at:]]
        if len(self._rows) == at and before != store.data:
            gone = [(key, None) for key in before if key not in store.data]
            new = [pair for pair in store.data.items() if before.get(pair[0]) != pair[1]]
            self.note(lambda: self._tell(gone + new), OTHERS)

    def picture(self, left, expected, got):
        """Of the first bad event; `left` is what `remains` tells."""
        told = [(who, what() if callable(what) else what) for who, what in self._rows]
        alike = itertools.groupby(told)
        counted = [((who, what), len(list(group))) for (who, what), group in alike]
        rows = [(who, f"{n} x {what}" if n > 1 else what) for (who, what), n in counted]
        rows += [(LEFT, line) for line in left]
        rows.append(("so", f"expected {expected}, got {got}"))
        return of_events(TITLE, rows, len(rows) - 1)


def remains(work, data, tell, name, bucket):
    """The entries that the store holds for this name, those it lacks, and those without a name."""
    record = data.get(work.meta_key(bucket, name))
    if record is None:
        lines, named = [f"no metadata of {name!r}"], set()
    else:
        meta = work.Meta.decode(record)
        keys = [work.chunk_key(meta.object_id, number) for number in range(meta.chunks)]
        missing = [number for number, key in enumerate(keys) if key not in data]
        upload = tell(keys[0]).removeprefix("a chunk of ") if keys else "an upload without chunks"
        held = f"{meta.chunks - len(missing)} of its {meta.chunks} chunks"
        lacks = f"; chunk {missing[0]} is the first that is missing" if missing else ""
        lines = [f"metadata of {name!r}, which names {upload}: {held}{lacks}"]
        named = set(keys)
    metas = [work.Meta.decode(v).object_id for k, v in data.items() if k.startswith(work.META)]
    lone = [k for k in data if k.startswith(work.CHUNK) and k not in named]
    told = [tell(key) for key in lone if work.id_of(key) not in metas]
    lines += [f"{told.count(one)} x {one}, which no metadata names" for one in sorted(set(told))]
    return lines
