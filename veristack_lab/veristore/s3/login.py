"""Which requests are let in: signed ones (header or URL), or all on an open server.

Headers that a presigned URL has as parameters are put among the others here: what is signed in
one place or the other means the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from veristack_lab.veristore.s3 import sigv2
from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.request_headers import lifted
from veristack_lab.veristore.s3.sigv4 import Credentials, Signed, verify


def let_in(
    request: SignableRequest, credentials: Credentials | None, now_s: float
) -> tuple[Mapping[str, str], Signed | None]:
    """The request's headers, those in its URL included, and what its signature proves.

    Args:
        request: as it came.
        credentials: the request must be signed with them; None accepts all requests.
        now_s: the time, in seconds since 1970.

    Returns:
        The headers; and the signed request for the chunks of its body, None on an open server
        and for Signature Version 2, which signs no chunks.

    Raises:
        S3Error: the request is refused.
    """
    query = dict(reversed(request.query_pairs()))  # if a parameter is given twice, the first counts
    is_version_2 = (
        sigv2.MARK in query
        and "X-Amz-Algorithm" not in query
        and "authorization" not in request.headers
    )
    also = sigv2.AS_HEADERS if is_version_2 else ()
    headers = {**lifted(query, also), **request.headers}
    if credentials is None and request.method == "POST" and "delete" in query:
        # A page of the web may post to an open server, but not with the checksum in a header that
        # DeleteObjects asks for: so there it must be a header.
        return request.headers, None
    if credentials is None:
        return headers, None
    if is_version_2:
        complete = replace(request, headers=headers)
        sigv2.verify_presigned(complete, credentials.access_key, credentials.secret_key, now_s)
        return headers, None
    return headers, verify(request, credentials, now_s)
