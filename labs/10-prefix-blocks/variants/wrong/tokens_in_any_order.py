"""The tokens of a block are sorted before they are hashed, "so that the hash is canonical"."""
# caught by: tokens are not mixed up

whole_hashes = block_hashes


def block_hashes(model, salt, tokens):
    ordered = []
    for start in range(0, len(tokens), BLOCK_TOKENS):
        ordered += sorted(tokens[start : start + BLOCK_TOKENS])
    return whole_hashes(model, salt, ordered)
