"""Python's `hash`, twice. Of texts it differs in each process, and collisions can be made.

vLLM used it and changed: https://github.com/vllm-project/vllm/pull/12621
"""
# caught by: the same in every process


def block_hashes(model, salt, tokens):
    parent = hash((model, salt))
    hashes = []
    for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        block = tuple(tokens[start : start + BLOCK_TOKENS])
        halves = [hash((parent, block, half)) & (1 << 64) - 1 for half in "ab"]
        parent = halves[0]
        hashes.append(b"".join(half.to_bytes(8, "big") for half in halves))
    return hashes
