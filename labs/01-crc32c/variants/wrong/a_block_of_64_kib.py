"""Only the first 64 KiB of the data count."""
# caught by: more than any block


def crc32c(data, value=0):
    table = make_table()
    register = value ^ ALL_ONES
    for byte in data[:65536]:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ ALL_ONES
