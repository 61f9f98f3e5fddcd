"""Zero bytes pass one by one, so that a terabyte has no end."""
# caught by: B may be a terabyte


def combine(crc_a, crc_b, length_b):
    table = make_table()
    for _ in range(length_b):
        crc_a = table[crc_a & 0xFF] ^ (crc_a >> 8)
    return crc_a ^ crc_b
