"""The polynomial is that of CRC-32, which zip and gzip use."""
# caught by: the last bit of a byte

POLYNOMIAL = 0xEDB88320
