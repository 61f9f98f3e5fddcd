"""Texts -> vectors, through any server that speaks Ollama's API.

The two kinds of failure are distinguished, because they need different retries: `TextRefused`
is about these very texts, `EmbeddingFailed` about the server.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx
import numpy as np
import ollama

from veristack_lab.errors import EmbeddingFailed, TextRefused
from veristack_lab.runtime.counting import counted

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
"""One row a text, shape (texts, dimensions), every row of length 1."""

MAX_TITLE_CHARS = 100
"""Word pieces are at least one character: 400 of passage and 100 of title always fit into
the 512 tokens of a BERT, whatever the script."""


PATIENCE_S = 3.0
"""A gateway that lost an engine usually finds one again within this time."""
_ASK_AGAIN_S = 0.1

_Reply = TypeVar("_Reply")


def patiently(call: Callable[[], _Reply], patience_s: float = PATIENCE_S) -> _Reply:
    """Make a call again while the gateway says 503 (no living engine), up to a deadline.

    Raises:
        ollama.ResponseError: any other status, or still 503 at the deadline.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return call()
        except ollama.ResponseError as error:
            if error.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(_ASK_AGAIN_S)


@dataclass(frozen=True)
class Embedded:
    """Vectors and the model they come from."""

    model: str
    vectors: Vectors


class Embedder(Protocol):
    """Turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Vectors of the texts, in order.

        Raises:
            TextRefused: the engine does not take one of these texts.
            EmbeddingFailed: there is no engine, or it failed.
        """
        ...


class GatewayEmbedder:
    """The embeddings behind a gateway's `/api/embed`, called with the official client."""

    def __init__(self, url: str, *, model: str = "embeddings", timeout_s: float = 60.0) -> None:
        self._client = ollama.Client(host=url, timeout=timeout_s)
        self._model = model

    def embed(self, texts: Sequence[str]) -> Embedded:
        if not texts:
            raise TextRefused("there is no text to embed")
        inputs = [plain(text) for text in texts]
        try:
            # Without truncate=False an oversize text would be cut silently.
            reply = patiently(
                lambda: self._client.embed(model=self._model, input=inputs, truncate=False)
            )
        except ollama.ResponseError as error:
            raise _classified(error) from error
        except (ConnectionError, httpx.HTTPError) as error:
            raise EmbeddingFailed(f"the embedding engine cannot be reached: {error}") from error
        return Embedded(reply.model or self._model, unit_rows(reply.embeddings, len(texts)))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()  # type: ignore[no-untyped-call]  # the client leaves it untyped


def _classified(error: ollama.ResponseError) -> TextRefused | EmbeddingFailed:
    # 404 (no such model), 408 and 429 are about the server, not about the text.
    if 400 <= error.status_code < 500 and error.status_code not in {404, 408, 429}:
        return TextRefused(f"the embedding engine refused the text: {error.error}")
    return EmbeddingFailed(f"the embedding engine failed ({error.status_code}): {error.error}")


def plain(text: str) -> str:
    """The text without accents, as an uncased BERT was trained to see it.

    Not every engine strips them itself, and then the same word would get two vectors.
    """
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", kept)


def with_title(title: str, passage: str) -> str:
    """What is embedded for a passage: a passage from the middle does not say what it is about."""
    return f"{title[:MAX_TITLE_CHARS]}\n{passage}" if title else passage


def unit_rows(rows: Sequence[Sequence[float]], expected: int) -> Vectors:
    """Vectors scaled to length 1, so that cosine and inner product agree.

    Raises:
        EmbeddingFailed: their number or shape is wrong, or one is zero or not finite.
    """
    try:
        vectors = np.asarray(rows, dtype=np.float32)
    except ValueError as error:
        raise EmbeddingFailed("the engine's vectors differ in length") from error
    if vectors.ndim != 2 or len(vectors) != expected:
        raise EmbeddingFailed(
            f"the engine gave {counted(len(rows), 'vector')} for {counted(expected, 'text')}"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise EmbeddingFailed("the engine gave a vector that is zero or not finite")
    normalised: Vectors = vectors / lengths
    return normalised
