"""The id is separated from the number by a slash, which an id may contain itself."""
# caught by: the id in a chunk's key


def chunk_key(object_id: bytes, number: int) -> bytes:
    return CHUNK + object_id + b"/" + number.to_bytes(4, "big")


def id_of(key: bytes) -> bytes:
    return key.removeprefix(CHUNK).split(b"/")[0]
