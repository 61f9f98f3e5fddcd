"""Bytes that are zero are passed over."""
# caught by: zeroes at the start


def crc32c(data, value=0):
    table = make_table()
    register = value ^ ALL_ONES
    for byte in data.replace(b"\0", b""):
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ ALL_ONES
