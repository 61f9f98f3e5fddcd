"""A pause is multiplied in a loop that ends at the cap, so no number grows beyond it."""


def backoff_s(attempt):
    pause_s = BACKOFF_BASE_S
    for _ in range(attempt - 1):
        if pause_s >= BACKOFF_CAP_S:
            break
        pause_s *= 3
    return min(pause_s, BACKOFF_CAP_S)
