"""What the driver's errors mean, in the lab's classes: a pure table.

An outage is `BackendUnavailable`: the same call may succeed later. A value that cannot be stored
is `InvalidInput`, a missing right is `PrivilegeMissing`, and any other refusal is `BackendError`,
which no repetition mends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from veristack_lab.errors import (
    BackendError,
    BackendUnavailable,
    InvalidInput,
    PrivilegeMissing,
    VeriStackError,
)

_READ_ONLY = (errors.ReadOnlySqlTransaction,)
_TIMED_OUT = (
    errors.QueryCanceled,
    errors.IdleInTransactionSessionTimeout,
    errors.IdleSessionTimeout,
    errors.TransactionTimeout,
    errors.LockNotAvailable,
)
_FULL = (errors.TooManyConnections, errors.InsufficientResources)
_LOST_RACE = (errors.SerializationFailure, errors.DeadlockDetected)
_NOT_MADE = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn every error of the driver inside the body into one of the lab's.

    Args:
        what: the database in words, for example "the job database".
    """
    try:
        yield
    except psycopg.Error as error:
        raise meaning_of(error, what) from error


def meaning_of(error: psycopg.Error, what: str) -> VeriStackError:
    """The lab's error for one of the driver's."""
    told = _first_line(error)
    match error:
        case errors.InsufficientPrivilege():
            return PrivilegeMissing(
                f"the role of your connection string may not do this in {what} ({told}): ask the "
                "database's administrator for that right, or to prepare the schema for this role"
            )
        case psycopg.ProgrammingError() if error.sqlstate is None:
            return InvalidInput(f"the connection string of {what} cannot be used: {told}")
        case errors.DataError():
            return InvalidInput(f"{what} cannot hold a value: {told}")
        case _ if isinstance(error, _NOT_MADE):
            return BackendError(
                f"{what} lacks what this version needs ({told}): its schema was dropped, or made "
                "by another version"
            )
    return (
        BackendUnavailable(reason)
        if (reason := _outage(error, what, told))
        else BackendError(f"{what} refuses: {told}")
    )


def _outage(error: psycopg.Error, what: str, told: str) -> str | None:
    """Why the same call may succeed later; None if it will not."""
    match error:
        case _ if isinstance(error, _READ_ONLY):
            return (
                f"{what} takes no writes at the moment ({told}): it is a standby, or a fail-over "
                "is under way; try again, or point DATABASE_URL to the primary"
            )
        case _ if isinstance(error, _TIMED_OUT):
            return f"{what} ended the statement or session after a time limit ({told}); try again"
        case _ if isinstance(error, _FULL):
            return (
                f"{what} has no room for more ({told}): close other clients or raise "
                "max_connections, then try again"
            )
        case _ if isinstance(error, _LOST_RACE):
            return f"{what} undid this in favour of another transaction ({told}); try again"
        case psycopg.OperationalError() | psycopg.InterfaceError() | psycopg.InternalError():
            return f"{what} does not answer: {told}; check DATABASE_URL"
    return None


def _first_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary
    return (primary or str(error).strip() or type(error).__name__).splitlines()[0]
