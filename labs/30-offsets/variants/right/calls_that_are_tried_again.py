"""What does not answer is tried once more before the error is passed on."""

_relay, _apply = relay, apply


def _again(function, *arguments):
    try:
        return function(*arguments)
    except BackendUnavailable:
        return function(*arguments)


def relay(database, log, limit):
    return _again(_relay, database, log, limit)


def apply(database, engine, event):
    return _again(_apply, database, engine, event)
