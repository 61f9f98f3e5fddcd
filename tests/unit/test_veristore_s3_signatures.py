"""Signature Version 4: AWS's published examples, and botocore's signer as the oracle."""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.s3 import credentials_from
from veristack_lab.veristore.s3.chunked import ChunkedDecoder
from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.sigv4 import (
    EMPTY_SHA256,
    MAX_SKEW_S,
    Credentials,
    verify,
)

# The keys, requests and signatures of the examples in AWS's S3 API Reference.
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
MOMENT = "20130524T000000Z"
NOW_S = float(calendar.timegm((2013, 5, 24, 0, 0, 0)))
HOST = {"host": "examplebucket.s3.amazonaws.com"}
WELCOME_SHA256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"


def signed(
    method: str, path: bytes, query: bytes, headers: Mapping[str, str], signature: str
) -> SignableRequest:
    every = {**headers, "x-amz-date": MOMENT}
    names = ";".join(sorted(every))
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders={names},Signature={signature}"
    )
    return SignableRequest(method, path, query, every)


PUBLISHED = {
    "get": signed(
        "GET",
        b"/test.txt",
        b"",
        {**HOST, "range": "bytes=0-9", "x-amz-content-sha256": EMPTY_SHA256},
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "put": signed(
        "PUT",
        b"/test%24file.text",
        b"",
        {
            **HOST,
            "date": "Fri, 24 May 2013 00:00:00 GMT",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
            "x-amz-content-sha256": WELCOME_SHA256,
        },
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "lifecycle": signed(
        "GET",
        b"/",
        b"lifecycle",
        {**HOST, "x-amz-content-sha256": EMPTY_SHA256},
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "list": signed(
        "GET",
        b"/",
        b"max-keys=2&prefix=J",
        {**HOST, "x-amz-content-sha256": EMPTY_SHA256},
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
    "presigned": SignableRequest(
        "GET",
        b"/test.txt",
        b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        + quote(SCOPE, safe="").encode()
        + b"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        b"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        HOST,
    ),
}
CHUNKED = signed(
    "PUT",
    b"/examplebucket/chunkObject.txt",
    b"",
    {
        "host": "s3.amazonaws.com",
        "content-encoding": "aws-chunked",
        "content-length": "66824",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    },
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
)
CHUNKS = (
    (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_examples(name: str) -> None:
    verify(PUBLISHED[name], EXAMPLE, NOW_S)


def test_the_published_chunks() -> None:
    body = b"".join(
        b"%x;chunk-signature=%s\r\n%s\r\n" % (size, signature.encode(), b"a" * size)
        for size, signature in CHUNKS
    )
    assert len(body) == 66824
    decoder = ChunkedDecoder(
        is_signed=True, has_trailer=False, signed=verify(CHUNKED, EXAMPLE, NOW_S)
    )
    assert b"".join(decoder.feed(body)) == b"a" * 66560
    decoder.finish()
    for spoilt in (body.replace(b"ad80c7", b"ad80c8"), body[:-90] + b"b" + body[-89:]):
        decoder = ChunkedDecoder(
            is_signed=True, has_trailer=False, signed=verify(CHUNKED, EXAMPLE, NOW_S)
        )
        with pytest.raises(S3Error, match="signature") as refusal:
            list(decoder.feed(spoilt))
        assert refusal.value.code == "SignatureDoesNotMatch"


def refusal_of(request: SignableRequest, credentials: Credentials, now_s: float) -> str:
    with pytest.raises(S3Error) as refusal:
        verify(request, credentials, now_s)
    return refusal.value.code


def test_whatever_is_changed_is_noticed() -> None:
    good = PUBLISHED["get"]
    changed = {
        "method": replace(good, method="PUT"),
        "path": replace(good, path=b"/test.txt2"),
        "query": replace(good, query=b"acl"),
        "signed header": replace(good, headers={**good.headers, "range": "bytes=0-10"}),
        "payload": replace(good, headers={**good.headers, "x-amz-content-sha256": "0" * 64}),
    }
    for what, request in changed.items():
        assert refusal_of(request, EXAMPLE, NOW_S) == "SignatureDoesNotMatch", what
    other = replace(EXAMPLE, secret_key="other")
    assert refusal_of(good, other, NOW_S) == "SignatureDoesNotMatch"
    assert refusal_of(good, replace(EXAMPLE, access_key="other"), NOW_S) == "InvalidAccessKeyId"
    extra = replace(good, headers={**good.headers, "x-amz-acl": "public-read"})
    assert refusal_of(extra, EXAMPLE, NOW_S) == "AccessDenied"
    assert "secret" not in repr(EXAMPLE)
    assert EXAMPLE.secret_key not in repr(EXAMPLE)


def test_time() -> None:
    good, presigned = PUBLISHED["get"], PUBLISHED["presigned"]
    for now_s in (NOW_S - MAX_SKEW_S, NOW_S + MAX_SKEW_S):
        verify(good, EXAMPLE, now_s)
    for now_s in (NOW_S - MAX_SKEW_S - 1, NOW_S + MAX_SKEW_S + 1):
        assert refusal_of(good, EXAMPLE, now_s) == "RequestTimeTooSkewed"
    verify(presigned, EXAMPLE, NOW_S + 86400)
    assert refusal_of(presigned, EXAMPLE, NOW_S + 86401) == "AccessDenied"
    assert refusal_of(presigned, EXAMPLE, NOW_S - MAX_SKEW_S - 1) == "RequestTimeTooSkewed"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AccessDenied"),
        ("AWS AKIA:sig", "InvalidRequest"),
        ("Bearer x", "InvalidRequest"),
        ("AWS4-HMAC-SHA256 Credential=a", "AuthorizationHeaderMalformed"),
        ("AWS4-HMAC-SHA256 ,,,", "AuthorizationHeaderMalformed"),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c,SignedHeaders=host,Signature=x",
            "AuthorizationHeaderMalformed",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20130524/r/ec2/aws4_request,SignedHeaders=host,"
            "Signature=x",
            "AuthorizationHeaderMalformed",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20130525/r/s3/aws4_request,SignedHeaders=host,"
            "Signature=x",
            "AuthorizationHeaderMalformed",
        ),
        (
            f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host,Signature=\udcff",
            "AccessDenied",
        ),
    ],
)
def test_claims_that_are_none(header: str | None, code: str) -> None:
    headers = {k: v for k, v in PUBLISHED["get"].headers.items() if k != "authorization"}
    if header is not None:
        headers["authorization"] = header
    request = replace(PUBLISHED["get"], headers=headers)
    assert refusal_of(request, EXAMPLE, NOW_S) == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"),
        ("X-Amz-Expires", "604801"),
        ("X-Amz-Expires", "-1"),
        ("X-Amz-Expires", "٣"),
        ("X-Amz-Expires", ""),
        ("X-Amz-Credential", "a"),
        ("X-Amz-Signature", None),
    ],
)
def test_presigned_claims_that_are_none(name: str, value: str | None) -> None:
    fields = dict(PUBLISHED["presigned"].query_pairs())
    fields.pop(name)
    if value is not None:
        fields[name] = value
    request = replace(PUBLISHED["presigned"], query=urlencode(fields).encode())
    assert refusal_of(request, EXAMPLE, NOW_S) == "AuthorizationQueryParametersError"


def test_a_date_that_is_none() -> None:
    for date in ("", "yesterday", "20131324T000000Z"):
        headers = {**PUBLISHED["get"].headers, "x-amz-date": date}
        headers["authorization"] = headers["authorization"].replace("20130524", date[:8])
        request = replace(PUBLISHED["get"], headers=headers)
        assert refusal_of(request, EXAMPLE, NOW_S) in (
            "AccessDenied",
            "AuthorizationHeaderMalformed",
        )


TEXT = st.text(min_size=1, max_size=8)


@given(
    key=TEXT,
    parameters=st.dictionaries(TEXT, st.text(max_size=5), max_size=3),
    note=st.text("az 09-", max_size=10),
    is_presigned=st.booleans(),
)
def test_what_botocore_signs_is_right(
    key: str, parameters: dict[str, str], note: str, is_presigned: bool
) -> None:
    url = f"http://127.0.0.1:9000/bucket/{quote(key.encode(), safe='/~')}"
    query = urlencode({f"q{name}": value for name, value in parameters.items()}, quote_via=quote)
    request = AWSRequest("PUT", f"{url}?{query}" if query else url)
    if not is_presigned:
        request.headers["x-amz-meta-note"] = note
        request.data = b"data"
    credentials = BotoCredentials("access/key", "secret")
    signer = S3SigV4QueryAuth if is_presigned else S3SigV4Auth
    signer(credentials, "s3", "eu-central-1").add_auth(request)
    path, _, sent = request.url.removeprefix("http://127.0.0.1:9000").partition("?")
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    headers["host"] = "127.0.0.1:9000"
    signable = SignableRequest("PUT", path.encode(), sent.encode(), headers)
    moment = dict(signable.query_pairs()).get("X-Amz-Date") or headers["x-amz-date"]
    now_s = calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    verify(signable, Credentials("access/key", "secret"), now_s)
    with pytest.raises(S3Error, match="signature"):
        verify(signable, Credentials("access/key", "Secret"), now_s)


def test_credentials_come_from_the_environment() -> None:
    assert credentials_from({}) is None
    assert credentials_from({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}) is None
    both = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    assert credentials_from(both) == Credentials("a", "s")
    with pytest.raises(InvalidInput, match="both"):
        credentials_from({"AWS_ACCESS_KEY_ID": "a"})
