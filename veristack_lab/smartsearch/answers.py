"""A question -> passages -> an answer that names the passages it rests on.

The instructions stand in the user's turn, since a very small model ignores a system message or is
confused by it. A small model also invents facts, and seldom cites by itself. So the passages are
always returned with the answer, and a sentence without a citation gets the number of the nearest
passage, if one is near enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import numpy as np
import ollama

from veristack_lab.errors import EmbeddingFailed, TextRefused
from veristack_lab.smartsearch.embedding import Embedder, patiently, with_title
from veristack_lab.smartsearch.model import Answer, Passage

MAX_ANSWER_TOKENS = 96
NEAR_ENOUGH = 0.4
"""Cosine from which a sentence counts as resting on a passage. With MiniLM, sentences about
something else stay below 0.3."""

_MARK = re.compile(r"\[(\d{1,2})\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Generated:
    """What a text engine said, and its model's name."""

    text: str
    model: str


class TextEngine:
    """The text models behind a gateway, called with the official client."""

    def __init__(self, url: str, *, model: str = "text", timeout_s: float = 120.0) -> None:
        self._client = ollama.Client(host=url, timeout=timeout_s)
        self._http = httpx.Client(base_url=url, timeout=5.0)
        self._model = model

    def only_random_weights(self) -> bool:
        """Whether every living text engine runs the tiny test model.

        A plain Ollama server does not have this endpoint, and no random model either.

        Raises:
            httpx.HTTPError: the gateway cannot be asked.
        """
        reply = self._http.get("/api/lab/engines")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return False
        nodes = reply.raise_for_status().json()
        alive = [node for node in nodes if node["capability"] == "text" and node["alive"]]
        return bool(alive) and all(node["random_weights"] for node in alive)

    def generate(self, prompt: str) -> Generated:
        """One greedy answer to a prompt.

        Raises:
            ollama.ResponseError, ConnectionError, httpx.HTTPError: no engine answered.
        """
        reply = patiently(
            lambda: self._client.chat(
                model=self._model,
                messages=[{"role": "user", "content": prompt}],
                options={"temperature": 0, "num_predict": MAX_ANSWER_TOKENS, "seed": 0},
            )
        )
        return Generated((reply.message.content or "").strip(), reply.model or self._model)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._client.close()  # type: ignore[no-untyped-call]  # the client leaves it untyped


def prompt_for(question: str, passages: Sequence[Passage]) -> str:
    """The one user message: numbered passages first, so that their prefix can be cached."""
    numbered = "\n".join(
        f"[{number}] {passage.title}: {' '.join(passage.text.split())}"
        for number, passage in enumerate(passages, start=1)
    )
    return (
        f"{numbered}\n\nUsing the passages above, answer this question in one sentence: {question}"
    )


def answer(
    engine: TextEngine, embedder: Embedder, question: str, passages: Sequence[Passage]
) -> Answer:
    """Answer from passages; on any failure the reply still holds the passages, and the note says
    why."""
    if not passages:
        return _without_text(question, passages, "there is no READY document to answer from")
    try:
        if engine.only_random_weights():
            return _without_text(
                question, passages,
                "the text engine runs the tiny random model, whose words mean nothing:"
                " the passages are the answer",
            )  # fmt: skip
        generated = engine.generate(prompt_for(question, passages))
    except (ollama.ResponseError, ConnectionError, httpx.HTTPError) as error:
        return _without_text(question, passages, f"no text engine answered ({error})")
    if not generated.text:
        return _without_text(question, passages, f"{generated.model} had nothing to say")
    return _with_citations(embedder, question, generated, tuple(passages))


def _without_text(question: str, passages: Sequence[Passage], note: str) -> Answer:
    return Answer(question, None, None, tuple(passages), (), note)


def _with_citations(
    embedder: Embedder, question: str, generated: Generated, passages: tuple[Passage, ...]
) -> Answer:
    sentences = _SENTENCE_END.split(_without_false_marks(generated.text, len(passages)))
    unmarked = [s for s in sentences if not _MARK.search(s) and any(c.isalnum() for c in s)]
    note = f"written by {generated.model} from these passages; check it against them"
    try:
        near = nearest_passages(embedder, unmarked, passages) if unmarked else []
    except (EmbeddingFailed, TextRefused) as error:
        near = [None] * len(unmarked)
        note += f" (citations are incomplete: {error})"
    added = dict(zip(unmarked, near, strict=True))
    marked = [s if added.get(s) is None else f"{s} [{added[s]}]" for s in sentences]
    text = " ".join(marked)
    cited = tuple(sorted({int(number) for number in _MARK.findall(text)}))
    return Answer(question, text, generated.model, passages, cited, note)


def _without_false_marks(text: str, passages: int) -> str:
    """Drop marks of passages that do not exist."""
    return _MARK.sub(lambda m: m.group() if 1 <= int(m[1]) <= passages else "", text).strip()


def nearest_passages(
    embedder: Embedder, sentences: Sequence[str], passages: Sequence[Passage]
) -> list[int | None]:
    """For each sentence the number (from 1) of the nearest passage, or None if none is near.

    Raises:
        EmbeddingFailed, TextRefused: they could not be embedded.
    """
    texts = [*sentences, *(with_title(p.title, p.text) for p in passages)]
    vectors = embedder.embed(texts).vectors
    similarity = vectors[: len(sentences)] @ vectors[len(sentences) :].T
    best = np.argmax(similarity, axis=1)
    return [
        int(number) + 1 if similarity[row, number] >= NEAR_ENOUGH else None
        for row, number in enumerate(best)
    ]
