"""The table is a tuple where a list is asked for."""
# caught by: 256 entries


def make_table():
    return tuple(step(0, byte) for byte in range(256))
