"""A small llama with random weights, written by the lab, for exact and fast tests.

Its words mean nothing, but everything around them is real: the same file format, tokenizer,
attention, KV cache and sampling code as for a large model. 4 layers of width 256, F32, so that
greedy output is the same on every engine. One token a character, so that a prompt's length in
tokens is known beforehand: lower-case letters, digits, space and ``.,'-`` are tokens; anything
else becomes its UTF-8 bytes.

The first component of the residual stream is a constant that no layer writes to. The output
matrix reads it to push the byte tokens and the special tokens far below all others: the answer
is always valid UTF-8 and never ends before the length that was asked for.
"""

from __future__ import annotations

import os
import string
from pathlib import Path

from veristack_lab.runtime.files import written_atomically

SEED = 20_240_229
VERSION = 1
FILE_NAME = f"tiny-random-v{VERSION}.gguf"
LAYERS, WIDTH, FEED_FORWARD, HEADS, KV_HEADS = 4, 256, 512, 4, 2
HEAD_DIM = WIDTH // HEADS
CONTEXT_TOKENS = 8192
KV_BYTES_PER_TOKEN = 2 * LAYERS * KV_HEADS * HEAD_DIM * 2

SPECIAL = ("<unk>", "<s>", "</s>")
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
CHARACTERS = ("▁", *string.ascii_lowercase, *string.digits, *".,'-")
VOCABULARY = SPECIAL + BYTES + CHARACTERS
FORBIDDEN = len(SPECIAL) + len(BYTES)
"""The first tokens, up to this number, are never the most probable ones."""

CONSTANT, FORBIDDEN_WEIGHT = 4.0, -100.0
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} - {{ message['content'] }}. {% endfor %}"
    "{% if add_generation_prompt %}assistant - {% endif %}"
)


def ensure(folder: Path) -> Path:
    """The model's file in this folder, written if missing (0.2 s, 10 MB)."""
    path = folder / FILE_NAME
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with written_atomically(path) as partial:
            write(partial)
    return path


def write(path: Path, seed: int = SEED) -> None:
    """Write the model as GGUF, the same bytes for the same seed.

    The layout is that of the llama architecture (Touvron et al., 2023): RMS norms, rotary
    positions, grouped-query attention, SwiGLU.
    """
    import gguf

    writer = gguf.GGUFWriter(os.fspath(path), "llama")
    writer.add_name("tiny random llama")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(VOCABULARY))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_tokenizer(writer)
    _add_tensors(writer, seed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer) -> None:  # type: ignore[no-untyped-def]  # gguf has no types
    from gguf import TokenType

    types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    types += [TokenType.BYTE] * len(BYTES) + [TokenType.NORMAL] * len(CHARACTERS)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(VOCABULARY)
    writer.add_token_scores([0.0] * len(VOCABULARY))
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _add_tensors(writer, seed: int) -> None:  # type: ignore[no-untyped-def]  # gguf has no types
    import numpy as np

    rng = np.random.default_rng(seed)

    def random(rows: int, columns: int, scale: float) -> np.ndarray:
        gaussian: np.ndarray = rng.standard_normal((rows, columns)) * (scale / columns**0.5)
        return gaussian.astype(np.float32)

    ones = np.ones(WIDTH, dtype=np.float32)
    embedding = random(len(VOCABULARY), WIDTH, WIDTH**0.5)
    embedding[:, 0] = CONSTANT
    writer.add_tensor("token_embd.weight", embedding)
    for layer in range(LAYERS):
        block = {
            "attn_q": random(HEADS * HEAD_DIM, WIDTH, 2.0),
            "attn_k": random(KV_HEADS * HEAD_DIM, WIDTH, 2.0),
            "attn_v": random(KV_HEADS * HEAD_DIM, WIDTH, 1.0),
            "attn_output": random(WIDTH, HEADS * HEAD_DIM, 1.0),
            "ffn_gate": random(FEED_FORWARD, WIDTH, 1.0),
            "ffn_up": random(FEED_FORWARD, WIDTH, 1.0),
            "ffn_down": random(WIDTH, FEED_FORWARD, 1.0),
        }
        block["attn_output"][0] = block["ffn_down"][0] = 0  # these layers leave the constant alone
        for name, tensor in block.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", tensor)
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", ones)
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", ones)
    output = random(len(VOCABULARY), WIDTH, 4.0)
    output[:, 0] = 0
    output[:FORBIDDEN] = 0
    output[:FORBIDDEN, 0] = FORBIDDEN_WEIGHT
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", output)
