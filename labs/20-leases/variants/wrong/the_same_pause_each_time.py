"""Every pause is the base: a job that fails takes its turn every two seconds."""
# caught by: pauses grow from the base to the cap


def backoff_s(attempt):
    return BACKOFF_BASE_S
