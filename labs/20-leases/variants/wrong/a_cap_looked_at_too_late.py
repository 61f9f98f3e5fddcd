"""The pause is bounded after it was computed: the power overflows, and attempt 1,100 raises an error.

As in zenml, pull request 5265, and, with a negative pause, aws-sdk-java, issue 874.
"""
# caught by: pauses grow from the base to the cap


def backoff_s(attempt):
    return min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** (attempt - 1))
