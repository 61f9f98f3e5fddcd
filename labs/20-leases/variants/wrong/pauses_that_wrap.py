"""The exponent begins anew, as a shift of 32 bits does: a job that fails for long is tried without a pause.

As in onos-lib-go, pull request 127: after 40 attempts the next one comes after 0 ms.
"""
# caught by: pauses grow from the base to the cap


def backoff_s(attempt):
    return min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** ((attempt - 1) % 32))
