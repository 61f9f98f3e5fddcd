"""What was applied is remembered by the process, and forgotten with it."""
# caught by: in any order, each any number of times

_applied = {}
_apply = apply


def _is_news(tx, event):
    _, version, content = _applied.get(event.document, ("", 0, ""))
    return (event.version, content) > (version, content) or (
        event.version == version and content != identity(event)[2]
    )


def apply(database, engine, event):
    _apply(database, engine, event)
    if event.version >= _applied.get(event.document, ("", 0, ""))[1]:
        _applied[event.document] = identity(event)
