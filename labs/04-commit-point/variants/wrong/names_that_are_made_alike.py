"""Names are normalised "to avoid confusion": two names of different characters share a key."""
# caught by: no two objects share a key

import unicodedata


def bucket_prefix(bucket: str) -> bytes:
    name = unicodedata.normalize("NFC", bucket).lower().encode()
    return META + len(name).to_bytes(2, "big") + name
