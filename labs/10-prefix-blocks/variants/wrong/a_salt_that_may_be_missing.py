"""An empty salt is taken for the salt "None"."""
# caught by: two models share nothing

with_salt = block_hashes


def block_hashes(model, salt, tokens):
    return with_salt(model, str(salt or None), tokens)
