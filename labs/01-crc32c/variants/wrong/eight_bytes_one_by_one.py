"""The eight bytes go one by one through the first table."""
# caught by: one look into each table


def eight_bytes(tables, register, chunk):
    for byte in chunk:
        register = tables[0][(register ^ byte) & 0xFF] ^ (register >> 8)
    return register
