"""Pauses double without a cap: after the twentieth attempt the job waits for twelve days."""
# caught by: an attempt that failed by itself counts


def backoff_s(attempt):
    return BACKOFF_BASE_S * 2.0 ** min(attempt - 1, 32)
