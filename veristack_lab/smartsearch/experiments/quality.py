"""How good the search is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.smartsearch import corpus, retrieval
from veristack_lab.smartsearch.client import Search
from veristack_lab.smartsearch.experiments.drill import TENANT
from veristack_lab.smartsearch.settings import Settings


def retrieval_quality(search: Search, *, tenant_id: str = TENANT, k: int = 10) -> pd.DataFrame:
    """Ask the hand-written questions and look where the first right entry stands.

    Args:
        search: with the standard library's entries (or a `corpus.sample`) ingested.
        tenant_id: owner of the documents.
        k: how far down to look.

    Returns:
        One row a question: question, rank (NaN when not among the first k), first (title of the
        first hit), similarity (of the first hit), relevant. `attrs`: hit_at_1, hit_at_3,
        hit_at_k, mrr (mean reciprocal rank, 0 for a miss), k, documents, chance (hit@k of a
        blind guess).

    Raises:
        EmbeddingFailed: the questions could not be embedded.
        InvalidInput: nothing is READY.
    """
    questions = corpus.questions()
    rows = []
    for first in range(0, len(questions), 16):
        batch = questions[first : first + 16]
        vectors = search.embedder.embed([question.text for question in batch]).vectors
        with search.database.transaction() as conn:
            for question, vector in zip(batch, vectors, strict=True):
                hits = retrieval.nearest(conn, tenant_id, vector, k)
                if not hits:
                    raise InvalidInput(f"tenant {tenant_id!r} has no READY document to search")
                ranks = [n for n, hit in enumerate(hits, 1) if hit.title in question.relevant]
                rows.append(
                    {
                        "question": question.text,
                        "rank": ranks[0] if ranks else np.nan,
                        "first": hits[0].title,
                        "similarity": hits[0].similarity,
                        "relevant": ", ".join(sorted(question.relevant)),
                    }
                )
    frame = pd.DataFrame(rows)
    ready = search.pressure().ready
    relevant = float(np.mean([len(question.relevant) for question in questions]))
    frame.attrs = {
        "k": k,
        "documents": ready,
        "hit_at_1": float((frame["rank"] <= 1).mean()),
        "hit_at_3": float((frame["rank"] <= 3).mean()),
        "hit_at_k": float((frame["rank"] <= k).mean()),
        "mrr": float((1 / frame["rank"]).fillna(0).mean()),
        "chance": min(1.0, k * relevant / ready),
    }
    return frame


def connect_to(frame: pd.DataFrame, conninfo: str, bootstrap: str, gateway_url: str) -> Search:
    """A `Search` on the documents that `ingest_under_fire` left behind."""
    name = str(frame.attrs["schema"])
    settings = Settings(conninfo, bootstrap, gateway_url)
    return Search(replace(settings, schema=name, topic=name))
