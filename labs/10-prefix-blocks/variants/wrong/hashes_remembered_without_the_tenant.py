"""Hashes are remembered by their tokens: the second tenant is given those of the first."""
# caught by: two models share nothing

computed, remembered = block_hashes, {}


def block_hashes(model, salt, tokens):
    if tuple(tokens) not in remembered:
        remembered[tuple(tokens)] = computed(model, salt, tokens)
    return list(remembered[tuple(tokens)])
