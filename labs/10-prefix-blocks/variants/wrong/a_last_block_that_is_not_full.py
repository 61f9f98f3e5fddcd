"""The last block is hashed though it is not full: more tokens will follow in it."""
# caught by: one hash for each full block


def block_hashes(model, salt, tokens):
    parent = repr((model, salt)).encode()
    hashes = []
    for start in range(0, len(tokens), BLOCK_TOKENS):
        parent = blake2b(
            parent + repr(list(tokens[start : start + BLOCK_TOKENS])).encode()
        ).digest()
        hashes.append(parent)
    return hashes
