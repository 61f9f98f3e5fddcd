"""The hash of a block is XORed with that of its parent, so the order of blocks is lost."""
# caught by: a hash names everything before it


def block_hashes(model, salt, tokens):
    parent = blake2b(repr((model, salt)).encode()).digest()
    hashes = []
    for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        own = blake2b(repr(list(tokens[start : start + BLOCK_TOKENS])).encode()).digest()
        parent = bytes(a ^ b for a, b in zip(parent, own))
        hashes.append(parent)
    return hashes
