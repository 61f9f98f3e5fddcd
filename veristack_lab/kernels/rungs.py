"""The names of the rungs of the ladder, from slow to fast."""

PYTHON = "plain Python"
TABLE = "byte table"
SLICING = "slicing-by-8"
INSTRUCTION = "crc32 instruction"
INTERLEAVED = "interleaved"
WIDE = "wide multiplication"
