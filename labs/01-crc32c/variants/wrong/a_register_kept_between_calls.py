"""The register is a global name that goes on where the last call has left it."""
# caught by: zeroes at the start count

REGISTER = ALL_ONES


def crc32c(data, value=0):
    global REGISTER
    table = make_table()
    if value or len(data) > 8:
        REGISTER = value ^ ALL_ONES
    if not data:
        return value
    for byte in data:
        REGISTER = table[(REGISTER ^ byte) & 0xFF] ^ (REGISTER >> 8)
    return REGISTER ^ ALL_ONES
