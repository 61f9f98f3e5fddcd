"""Model and salt stand behind each other, and nothing says where the one ends."""
# caught by: two models share nothing

for_one_text = block_hashes


def block_hashes(model, salt, tokens):
    return for_one_text(model + salt, "", tokens)
