"""Blocks are cut off the caller's own list, which is empty afterwards."""
# caught by: one hash for each full block


def block_hashes(model, salt, tokens):
    parent = repr((model, salt)).encode()
    hashes = []
    while len(tokens) >= BLOCK_TOKENS:
        block = repr(list(tokens[:BLOCK_TOKENS])).encode()
        del tokens[:BLOCK_TOKENS]
        parent = blake2b(parent + block).digest()
        hashes.append(parent)
    return hashes
