"""Docstrings of the standard library as a classification task: which package is it from?

Deterministic for one version of Python: the same texts, vocabulary and numbers on every
machine. A word that is itself the name of one of the packages is left out of the texts, so the
answer never stands in the question; a text that occurs twice is taken once, so no validation
text was trained on.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import numpy as safetensors

from veristack_lab.errors import InvalidInput, ObjectNotFound
from veristack_lab.runtime.counting import counted
from veristack_lab.runtime.stdlib_docs import Docstring, iter_docstrings
from veristack_lab.veriflow.checkpoints import BUCKET

if TYPE_CHECKING:
    from veristack_lab.veristore import Objects

WORD = re.compile(r"[a-z][a-z0-9]+")
VERSION = 1
"""Grows when the same source would give other numbers."""


@dataclass(frozen=True)
class Corpus:
    """Texts as numbers. With n texts, v words and p packages:"""

    features: np.ndarray[Any, np.dtype[np.float32]]
    """(n, v): log(1 + count) * inverse document frequency, each row of length 1."""
    labels: np.ndarray[Any, np.dtype[np.int64]]
    """(n,): index into `packages`."""
    packages: tuple[str, ...]
    sha256: str
    """SHA-256 of the stored bytes: equal if and only if the data are equal."""

    def __repr__(self) -> str:
        texts, words = self.features.shape
        return f"<Corpus {texts} texts, {words} words, {len(self.packages)} packages>"


def load(objects: Objects, *, packages: int, texts_per_package: int, words: int) -> Corpus:
    """The corpus from the object store, built and stored by the first run that needs it.

    Two runs that build it at once store the same bytes, so their order does not matter.

    Args:
        packages: how many packages, those with the most docstrings first.
        texts_per_package: at most this many of each, chosen by hash.
        words: size of the vocabulary, the most widespread words first.

    Raises:
        InvalidInput: the standard library has fewer packages with enough texts.
    """
    key = (
        f"datasets/docstrings-v{VERSION}-python{platform.python_version()}"
        f"-{packages}-{texts_per_package}-{words}.safetensors"
    )
    objects.create_bucket(BUCKET)
    try:
        data = objects.get(BUCKET, key)
    except ObjectNotFound:
        data = build(iter_docstrings(), packages, texts_per_package, words)
        objects.put(BUCKET, key, data)
    return decode(data)


def build(
    docstrings: Iterable[Docstring], packages: int, texts_per_package: int, words: int
) -> bytes:
    """The corpus as bytes: counts of words in sparse rows, labels and names.

    Raises:
        InvalidInput: there are fewer packages, or too few words.
    """
    chosen = _choose(docstrings, packages, texts_per_package)
    names = sorted(chosen)
    texts = [(label, text) for label, name in enumerate(names) for text in chosen[name]]
    answers = frozenset(names)
    bags = [Counter(word for word in text.split() if word not in answers) for _, text in texts]
    spread = Counter(word for bag in bags for word in bag)
    vocabulary = sorted(sorted(spread, key=lambda word: (-spread[word], word))[:words])
    if len(vocabulary) < words:
        raise InvalidInput(f"the texts have only {counted(len(vocabulary), 'word')}; ask for fewer")
    index = {word: number for number, word in enumerate(vocabulary)}
    rows = [sorted((index[word], n) for word, n in bag.items() if word in index) for bag in bags]
    data: bytes = safetensors.save(
        {
            "row_ends": np.cumsum([len(row) for row in rows], dtype=np.int64),
            "word_ids": np.array([word for row in rows for word, _ in row], np.int64),
            "counts": np.array([count for row in rows for _, count in row], np.int64),
            "labels": np.array([label for label, _ in texts], np.int64),
            "names": np.frombuffer(json.dumps([names, vocabulary]).encode(), np.uint8),
        }
    )
    return data


def _choose(docstrings: Iterable[Docstring], packages: int, limit: int) -> dict[str, Sequence[str]]:
    """Package name -> its texts, for the public packages that have the most of them."""
    texts: dict[str, dict[str, None]] = {}
    for each in docstrings:
        package = each.module.split(".")[0]
        words = WORD.findall(each.text.lower())
        if words and not package.startswith("_"):
            texts.setdefault(package, {})[" ".join(words)] = None
    owners = Counter(text for package in texts.values() for text in package)
    alone = {
        package: [text for text in found if owners[text] == 1] for package, found in texts.items()
    }
    largest = sorted(alone, key=lambda package: (-len(alone[package]), package))[:packages]
    if len(largest) < packages:
        raise InvalidInput(f"only {counted(len(largest), 'package')} found with docstrings")
    return {package: sorted(alone[package], key=_by_hash)[:limit] for package in largest}


def _by_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def decode(data: bytes) -> Corpus:
    """The corpus from its bytes."""
    stored = safetensors.load(data)
    names, vocabulary = json.loads(stored["names"].tobytes())
    row_ends, word_ids = stored["row_ends"], stored["word_ids"]
    texts = len(row_ends)
    lengths = np.diff(row_ends, prepend=0)
    counts = np.zeros((texts, len(vocabulary)), np.float32)
    counts[np.repeat(np.arange(texts), lengths), word_ids] = stored["counts"]
    spread = np.bincount(word_ids, minlength=len(vocabulary))
    rarity = np.log(texts / spread).astype(np.float32)
    features = np.log1p(counts) * rarity
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    features /= np.maximum(norms, np.float32(1e-6))
    labels = np.array(stored["labels"])
    return Corpus(features, labels, tuple(names), hashlib.sha256(data).hexdigest())
