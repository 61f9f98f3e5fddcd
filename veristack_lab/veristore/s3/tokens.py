"""Continuation tokens: where the next page of a listing begins, opaque to clients."""

from __future__ import annotations

import base64
import binascii

from veristack_lab.veristore.s3.errors import S3Error

_VERSION = b"1:"


def token_after(name: str) -> str:
    """The token of the page that begins after a name."""
    return base64.urlsafe_b64encode(_VERSION + name.encode()).decode()


def after_token(token: str) -> str:
    """The name after which the page begins. Raises `S3Error` InvalidArgument."""
    try:
        plain = base64.b64decode(token, altchars=b"-_", validate=True)
        if not plain.startswith(_VERSION):
            raise ValueError(plain)
        return plain.removeprefix(_VERSION).decode()
    except (binascii.Error, ValueError):
        raise S3Error(
            "InvalidArgument", "the continuation token is not one that this server gave"
        ) from None
