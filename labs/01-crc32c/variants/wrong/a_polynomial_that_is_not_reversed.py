"""The polynomial stands the usual way round, while the register is reversed."""
# caught by: the last bit of a byte

POLYNOMIAL = 0x1EDC6F41
