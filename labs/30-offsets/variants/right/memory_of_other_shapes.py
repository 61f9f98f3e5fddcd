"""Dictionaries instead of tuples, chunks found by counting, and pieces embedded one by one."""


def _is_news(tx, event):
    row = tx.get("state", event.document) or {"version": 0, "hash": None, "chunks": 0}
    return (event.version, True) > (row["version"], row["hash"] == identity(event)[2])


def apply(database, engine, event):
    with database.transaction() as tx:
        fresh = _is_news(tx, event)
    if not fresh:
        return
    chunks = (
        []
        if event.text is None
        else [Chunk(piece, engine.embed([piece])[0]) for piece in split(event.text)]
    )
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
        old = tx.get("state", event.document) or {"chunks": 0}
        for number in range(max(old["chunks"], len(chunks))):
            if number < len(chunks):
                tx.put("chunks", (event.document, number), chunks[number])
            else:
                tx.delete("chunks", (event.document, number))
        row = {"version": event.version, "hash": identity(event)[2], "chunks": len(chunks)}
        tx.put("state", event.document, row)
