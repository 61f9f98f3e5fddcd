"""Each block's hash reads the whole prompt up to there: right, and quadratic.

The first version in vLLM did so: https://github.com/vllm-project/vllm/pull/2762
"""
# caught by: a long prompt is read once


def block_hashes(model, salt, tokens):
    root = repr((model, salt)).encode() + b"\0"
    data = b"".join(token.to_bytes(4, "big") for token in tokens)
    ends = range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS)
    return [blake2b(root + data[: 4 * end]).digest() for end in ends]
