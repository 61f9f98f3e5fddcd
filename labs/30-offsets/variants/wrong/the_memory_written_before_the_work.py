"""The event is noted as applied before it is (run-llama/llama_index issue 19579)."""
# caught by: the process dies, or something is away, at any call
# task: 2


def apply(database, engine, event):
    with database.transaction() as tx:
        if not _is_news(tx, event):
            return
        tx.put("applied", event.document, identity(event))
    pieces = split(event.text or "")
    vectors = engine.embed(pieces) if pieces else []
    with database.transaction() as tx:
        for key, _ in tx.scan("chunks"):
            if key[0] == event.document:
                tx.delete("chunks", key)
        for number, (piece, vector) in enumerate(zip(pieces, vectors)):
            tx.put("chunks", (event.document, number), Chunk(piece, vector))
