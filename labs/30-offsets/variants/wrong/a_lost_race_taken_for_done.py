"""When another worker has applied anything meanwhile, the own event is dropped, though it is newer."""
# caught by: another worker at any moment


def apply(database, engine, event):
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
        before = tx.get("applied", event.document)
    pieces = split(event.text or "")
    vectors = engine.embed(pieces) if pieces else []
    with database.transaction() as tx:
        if tx.get("applied", event.document) != before:
            return
        for key, _ in tx.scan("chunks"):
            if key[0] == event.document:
                tx.delete("chunks", key)
        for number, (piece, vector) in enumerate(zip(pieces, vectors)):
            tx.put("chunks", (event.document, number), Chunk(piece, vector))
        tx.put("applied", event.document, identity(event))
