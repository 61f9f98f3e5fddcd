"""Pauses stand in a table, grow in other steps than by doubling, and end at the cap."""

PAUSES = (2.0, 5.0, 10.0, 15.0, 30.0, 45.0)


def backoff_s(attempt):
    return PAUSES[attempt - 1] if attempt <= len(PAUSES) else BACKOFF_CAP_S
