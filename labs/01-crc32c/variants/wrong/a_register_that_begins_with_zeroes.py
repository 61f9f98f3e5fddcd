"""A register that begins with zeroes."""
# caught by: the value that every CRC32C


def crc32c(data: bytes, value: int = 0) -> int:
    """Task 3. The checksum of the data, going on from that of what came before (`value`)."""
    table = make_table()
    register = value
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ ALL_ONES
