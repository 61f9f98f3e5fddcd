"""The table is kept between the calls and filled once more by each."""
# caught by: 256 entries

TABLE = []


def make_table():
    TABLE.extend(step(0, byte) for byte in range(256))
    return TABLE
