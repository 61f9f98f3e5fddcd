"""What is not retryable is tried again until the attempts are used up.

SkyPilot's pull request 8324 adds exit codes that tell the two apart.
"""
# caught by: what no other attempt can mend

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if ending is Ending.NOT_RETRYABLE:
        ending = Ending.FAILED
    return _right_settle(job, lease, now, ending, reason)
