"""The table that is seven zero bytes further comes first."""
# caught by: eight tables


def make_tables():
    tables = [make_table()]
    for _ in range(7):
        tables.append([tables[0][entry & 0xFF] ^ (entry >> 8) for entry in tables[-1]])
    return tables[::-1]
