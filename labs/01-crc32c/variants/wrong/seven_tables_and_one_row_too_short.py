"""The last table is empty."""
# caught by: eight tables


def make_tables():
    tables = [make_table()]
    for _ in range(6):
        tables.append([tables[0][entry & 0xFF] ^ (entry >> 8) for entry in tables[-1]])
    return [*tables, []]
