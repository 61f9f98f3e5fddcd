"""A block's hash covers its own tokens, and not what stands before it."""
# caught by: a hash names everything before it


def block_hashes(model, salt, tokens):
    root = repr((model, salt)).encode()
    return [
        blake2b(root + repr(list(tokens[start : start + BLOCK_TOKENS])).encode()).digest()
        for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS)
    ]
