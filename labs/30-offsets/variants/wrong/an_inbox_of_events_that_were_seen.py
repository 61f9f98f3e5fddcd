"""The inbox pattern: each event once, and in any order; an old one that is late overwrites a new one."""
# caught by: in any order, each any number of times


def _is_news(tx, event):
    return tx.get("inbox", identity(event)) is None


def apply(database, engine, event):
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
    pieces = split(event.text or "")
    vectors = engine.embed(pieces) if pieces else []
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
        for key, _ in tx.scan("chunks"):
            if key[0] == event.document:
                tx.delete("chunks", key)
        for number, (piece, vector) in enumerate(zip(pieces, vectors)):
            tx.put("chunks", (event.document, number), Chunk(piece, vector))
        tx.put("inbox", identity(event), True)
