"""A slash parts model and salt, and names of models have slashes."""
# caught by: two models share nothing

for_one_text = block_hashes


def block_hashes(model, salt, tokens):
    return for_one_text(f"{model}/{salt}", "", tokens)
