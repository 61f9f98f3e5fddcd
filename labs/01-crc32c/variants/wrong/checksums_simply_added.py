"""The two checksums are added without moving the first one on."""
# caught by: A then B


def combine(crc_a, crc_b, length_b):
    return crc_a ^ crc_b
