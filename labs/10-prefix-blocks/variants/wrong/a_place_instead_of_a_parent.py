"""A block's hash covers its tokens and its place in the prompt, and not what stands before it."""
# caught by: a hash names everything before it


def block_hashes(model, salt, tokens):
    return [
        blake2b(
            repr((model, salt, start, list(tokens[start : start + BLOCK_TOKENS]))).encode()
        ).digest()
        for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS)
    ]
