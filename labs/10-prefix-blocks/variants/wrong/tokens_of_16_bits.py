"""Two bytes for a token: vocabularies have grown beyond 65,536."""
# caught by: tokens are not mixed up

whole_hashes = block_hashes


def block_hashes(model, salt, tokens):
    return whole_hashes(model, salt, [token & 0xFFFF for token in tokens])
