"""The look-up begins at the end: a hash names all before it, so all before it must be there."""
# caught by: the blocks before the first that is missing


def longest(request, cached):
    most = (request.tokens - 1) // BLOCK_TOKENS
    return next((n for n in range(most, 0, -1) if request.hashes[n - 1] in cached), 0)
