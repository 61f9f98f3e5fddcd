"""Tokens are written as text, one after the other: 1, 23 and 12, 3 are the same."""
# caught by: tokens are not mixed up


def block_hashes(model, salt, tokens):
    parent = repr((model, salt)).encode()
    hashes = []
    for start in range(0, len(tokens) // BLOCK_TOKENS * BLOCK_TOKENS, BLOCK_TOKENS):
        text = "".join(map(str, tokens[start : start + BLOCK_TOKENS]))
        parent = blake2b(parent + text.encode()).digest()
        hashes.append(parent)
    return hashes
