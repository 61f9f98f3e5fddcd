"""MiniLM-L6 in plain numpy, written from the papers: the oracle for what llama.cpp serves.

Post-norm transformer encoder (Devlin et al., 2019) with exact GELU, mean pooling over all
tokens and scaling to length 1 (Reimers and Gurevych, 2019); WordPiece with lower-casing and
accents stripped.
"""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path

import gguf
import numpy as np

HEADS, LAYERS, WIDTH, EPSILON = 12, 6, 384, 1e-12
CLS, SEP, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
ASCII_SYMBOLS = "$+<=>^`|~"


class Reference:
    """The model in a GGUF, unpacked to full precision."""

    def __init__(self, path: Path) -> None:
        reader = gguf.GGUFReader(path)
        self.weights = {
            tensor.name: np.asarray(
                gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32
            )
            for tensor in reader.tensors
        }
        field = reader.fields["tokenizer.ggml.tokens"]
        tokens = (bytes(field.parts[index]).decode() for index in field.data)
        self.vocabulary = {token: number for number, token in enumerate(tokens)}

    def embed(self, text: str) -> np.ndarray:
        """The unit vector of a text, shape (384,)."""
        ids = self.tokenize(text)
        state = self.weights["token_embd.weight"][ids]
        state = state + self.weights["position_embd.weight"][: len(ids)]
        state = self._norm(state + self.weights["token_types.weight"][0], "token_embd_norm")
        for layer in range(LAYERS):
            block = f"blk.{layer}."
            state = self._norm(state + self._attend(state, block), block + "attn_output_norm")
            inner = _gelu(self._linear(state, block + "ffn_up"))
            state = self._norm(
                state + self._linear(inner, block + "ffn_down"), block + "layer_output_norm"
            )
        mean = state.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def tokenize(self, text: str) -> list[int]:
        """WordPiece: the longest piece that is in the vocabulary, again and again."""
        pieces = [CLS]
        for word in _words(text):
            pieces += self._pieces("▁" + word)
        return [self.vocabulary[piece] for piece in [*pieces, SEP]]

    def _pieces(self, word: str) -> list[str]:
        found = []
        while word:
            size = len(word)
            while size and word[:size] not in self.vocabulary:
                size -= 1
            if size == 0 or word[:size] == "▁":
                return [UNKNOWN]
            found.append(word[:size])
            word = word[size:]
        return found

    def _attend(self, state: np.ndarray, block: str) -> np.ndarray:
        query, key, value = (
            self._linear(state, f"{block}attn_{name}")
            .reshape(len(state), HEADS, WIDTH // HEADS)
            .swapaxes(0, 1)
            for name in "qkv"
        )
        scores = query @ key.swapaxes(1, 2) / math.sqrt(WIDTH // HEADS)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ value).swapaxes(0, 1).reshape(len(state), WIDTH)
        return self._linear(mixed, block + "attn_output")

    def _linear(self, state: np.ndarray, name: str) -> np.ndarray:
        product: np.ndarray = state @ self.weights[f"{name}.weight"].T
        return product + self.weights[f"{name}.bias"]

    def _norm(self, state: np.ndarray, name: str) -> np.ndarray:
        centred = state - state.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(state.var(axis=-1, keepdims=True) + EPSILON)
        normed: np.ndarray = scaled * self.weights[f"{name}.weight"]
        return normed + self.weights[f"{name}.bias"]


def _gelu(state: np.ndarray) -> np.ndarray:
    error_function = np.vectorize(math.erf)
    gelu: np.ndarray = 0.5 * state * (1 + error_function(state / math.sqrt(2)))
    return gelu


def _words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFD", text.lower())
    spaced = ""
    for character in decomposed:
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        apart = category.startswith("P") or character in ASCII_SYMBOLS
        spaced += f" {character} " if apart else character
    return spaced.split()
