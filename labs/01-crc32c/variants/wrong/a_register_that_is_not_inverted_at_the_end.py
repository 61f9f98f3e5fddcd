"""The register is not inverted at the end."""
# caught by: the value that every CRC32C


def crc32c(data, value=0):
    table = make_table()
    register = value ^ ALL_ONES
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register
