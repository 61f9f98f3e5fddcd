"""Each chunk is written by itself: search finds half a version."""
# caught by: search finds the chunks of the new version


def apply(database, engine, event):
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
        old = [key for key, _ in tx.scan("chunks") if key[0] == event.document]
    pieces = split(event.text or "")
    vectors = engine.embed(pieces) if pieces else []
    for number, (piece, vector) in enumerate(zip(pieces, vectors)):
        with database.transaction() as tx:
            tx.put("chunks", (event.document, number), Chunk(piece, vector))
    with database.transaction() as tx:
        for key in old:
            if key[1] >= len(pieces):
                tx.delete("chunks", key)
        tx.put("applied", event.document, identity(event))
