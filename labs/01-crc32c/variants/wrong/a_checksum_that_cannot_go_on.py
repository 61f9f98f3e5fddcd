"""The checksum of what came before is left out."""
# caught by: also after something


def crc32c(data, value=0):
    table = make_table()
    register = ALL_ONES
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ ALL_ONES
