"""The old chunks go before the new ones exist (run-llama/llama_index issue 22639)."""
# caught by: search finds the chunks of the new version


def apply(database, engine, event):
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
        for key, _ in tx.scan("chunks"):
            if key[0] == event.document:
                tx.delete("chunks", key)
    pieces = split(event.text or "")
    vectors = engine.embed(pieces) if pieces else []
    with database.transaction() as tx:
        for number, (piece, vector) in enumerate(zip(pieces, vectors)):
            tx.put("chunks", (event.document, number), Chunk(piece, vector))
        tx.put("applied", event.document, identity(event))
