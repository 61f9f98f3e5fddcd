"""Questions -> the nearest passages, among READY documents of one tenant.

The scan is exact, without a vector index. At thousands of documents it takes tens of
milliseconds; an approximate index (HNSW) filters by tenant and status only after it has chosen
its neighbours, so with a selective filter it silently returns too few rows. An index
pays from about a hundred thousand passages a tenant on.
"""

from __future__ import annotations

import numpy as np

from veristack_lab.errors import EmbeddingModelChanged, InvalidInput
from veristack_lab.smartsearch.database import Connection, Database
from veristack_lab.smartsearch.embedding import Embedder
from veristack_lab.smartsearch.model import Passage

MAX_RESULTS = 100_000
MAX_QUERY_CHARS = 500

Vector = np.ndarray[tuple[int], np.dtype[np.float32]]


def search(
    database: Database, embedder: Embedder, tenant_id: str, query: str, k: int
) -> list[Passage]:
    """The `k` documents nearest to a query, each with its nearest passage, nearest first.

    Raises:
        InvalidInput: the query is blank or too long, or k is out of range.
        EmbeddingFailed: the query could not be embedded.
        EmbeddingModelChanged: the engine's model is not the one of the stored vectors.
    """
    space = database.space()
    vector, model = embed_query(embedder, query)
    if space is None:
        return []
    if space != (model, len(vector)):
        raise EmbeddingModelChanged(
            f"the stored vectors come from {space[0]} ({space[1]} dimensions), the engine answers"
            f" with {model} ({len(vector)}). Serve the first one to search these documents."
        )
    with database.transaction() as conn:
        return nearest(conn, tenant_id, vector, k)


def embed_query(embedder: Embedder, query: str) -> tuple[Vector, str]:
    """A query's vector, of length 1, and the model it comes from.

    Raises:
        InvalidInput: the query is blank or too long.
        EmbeddingFailed: the query could not be embedded.
    """
    if not query.strip() or len(query) > MAX_QUERY_CHARS:
        raise InvalidInput(f"a query must have 1 to {MAX_QUERY_CHARS} characters, not only blanks")
    embedded = embedder.embed([query])
    return embedded.vectors[0], embedded.model


def nearest(conn: Connection, tenant_id: str, vector: Vector, k: int) -> list[Passage]:
    """The passages nearest to a vector, one a document, as of the connection's snapshot.

    Raises:
        InvalidInput: k is out of range.
    """
    if not 1 <= k <= MAX_RESULTS:
        raise InvalidInput(f"k must be 1 to {MAX_RESULTS:,}, not {k}")
    rows = conn.execute(
        "SELECT document_id, title, chunk_no, text, 1 - distance AS similarity FROM ("
        "  SELECT DISTINCT ON (d.id) d.id AS document_id, d.title, c.chunk_no, c.text,"
        "    c.embedding <=> %(vector)s AS distance"
        "  FROM documents d JOIN chunks c"
        "    ON c.document_id = d.id AND c.version = d.ready_version"
        "  WHERE d.tenant_id = %(tenant)s AND d.status = 'READY'"
        "  ORDER BY d.id, distance, c.chunk_no) AS best"
        " ORDER BY distance, document_id LIMIT %(k)s",
        {"vector": vector, "tenant": tenant_id, "k": k},
    ).fetchall()
    return [Passage(**row) for row in rows]
