"""A deletion removes the memory too; an older event brings the text back (alphagov/search-api 1106)."""
# caught by: in any order, each any number of times
# task: 2


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
        if event.text is None:
            tx.delete("applied", event.document)
        else:
            tx.put("applied", event.document, identity(event))
