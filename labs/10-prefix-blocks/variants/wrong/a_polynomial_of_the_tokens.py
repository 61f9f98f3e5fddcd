"""A polynomial in the tokens: add 31 to one, take 1 from the next, and the hash is the same.

https://github.com/NVIDIA/Megatron-LM/pull/4158
"""
# caught by: tokens are not mixed up


def block_hashes(model, salt, tokens):
    parent = int.from_bytes(blake2b(repr((model, salt)).encode()).digest(), "big")
    hashes = []
    for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        value = parent
        for token in tokens[start : start + BLOCK_TOKENS]:
            value = (value * 31 + token + 1) % ((1 << 127) - 1)
        parent = value
        hashes.append(value.to_bytes(16, "big"))
    return hashes
