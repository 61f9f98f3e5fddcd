"""Noise in every place where a request may carry it: never a failure of the server's own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.s3 import serve_in_thread
from veristack_lab.veristore.s3.checksums import announced_object
from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.login import let_in
from veristack_lab.veristore.s3.metadata import decoded, encoded
from veristack_lab.veristore.s3.never_set import BUCKET, OBJECT
from veristack_lab.veristore.s3.request_headers import IGNORED, REFUSED, USED
from veristack_lab.veristore.s3.sigv4 import Credentials

PATHS = ("/", "/b", "/b/", "/b/k", "/b/none", "/none", "/none/k", "/b/%C3%BC", "//", "/b//")
PARAMETERS = (
    *("list-type", "prefix", "delimiter", "max-keys", "marker", "start-after", "fetch-owner"),
    *("continuation-token", "encoding-type", "versions", "key-marker", "version-id-marker"),
    *("versionId", "partNumber", "attributes", "uploads", "uploadId", "max-uploads", "max-parts"),
    *("part-number-marker", "upload-id-marker", "delete", "location", "max-buckets"),
    *("bucket-region", "id", "response-content-type", "response-expires", "x-id"),
    *("AWSAccessKeyId", "Expires", "Signature", "X-Amz-Algorithm", "x-amz-meta-q", *BUCKET),
    *OBJECT,
)
HEADERS = (
    *sorted(USED - {"x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"}),
    *IGNORED,
    *(name + "x" if name.endswith("-") else name for name in REFUSED),
    *("x-amz-meta-n", "x-amz-checksum-sha512", "x-amz-", "content-md5", "content-type"),
    *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),
    *("range", "cache-control", "content-encoding", "expires", "x-veristack-info"),
)
VALUES = st.sampled_from(
    (
        *("", "1", "0", "-1", "2", "url", "true", "null", "99999999999", "x", "k", "/", "a/b"),
        *("b/k", "/b/k", "/b/k?versionId=null", "bytes=0-1", "bytes=-1", '"x"', "*", "AAAAAA=="),
        *("AAAAAA==-2", "CRC32", "SHA256", "COMPOSITE", "FULL_OBJECT", "REPLACE", "COPY", "MTo="),
        *("ETag,ObjectParts,Checksum", "Thu, 01 Jan 1970 00:00:00 GMT", "=?UTF-8?B?w7w=?=", "ü"),
        *("Thu, 99 Jan 99999 99:99:99 +9999", "1:", "Mjp4", "\u2028", "\U0001f600"),
    )
)
TEXTS = VALUES | st.text(max_size=12)
NAMES = st.sampled_from(
    (
        *("Delete", "Object", "Key", "VersionId", "ETag", "Quiet", "Size", "Tagging", "TagSet"),
        *("Tag", "CompleteMultipartUpload", "Part", "PartNumber", "ChecksumCRC32", "x"),
        *("CreateBucketConfiguration", "LocationConstraint", "Tags"),
    )
)
TREES: st.SearchStrategy[str] = st.recursive(
    TEXTS.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;")),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", NAMES, st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)
BODIES = (
    st.just(b"")
    | st.binary(max_size=40)
    | TREES.map(lambda tree: tree.encode(errors="surrogatepass"))
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with (
        quick_folder() as folder,
        veristore.open(folder / "store") as store,
        serve_in_thread(objects := ObjectStore(store, min_part_bytes=1)) as url,
    ):
        objects.create_bucket("b")
        yield url


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(
    method=st.sampled_from(("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")),
    path=st.sampled_from(PATHS),
    query=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=4),
    headers=st.dictionaries(st.sampled_from(HEADERS), TEXTS | st.binary(max_size=12), max_size=4),
    body=BODIES,
)
def test_no_request_makes_the_server_fail(
    url: str,
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str | bytes],
    body: bytes,
) -> None:
    with httpx.Client(base_url=url, trust_env=False) as client:
        client.put("/b")
        client.put("/b/k", content=b"content")
        parameters = {name: text.encode(errors="replace").decode() for name, text in query.items()}
        sent = {name.encode(): header_bytes(value) for name, value in headers.items()}
        answer = client.request(method, path, params=parameters, headers=sent, content=body)
    assert answer.status_code < 500 or answer.status_code == 501, answer.text


def header_bytes(value: str | bytes) -> bytes:
    """Without what HTTP itself forbids in a header."""
    raw = value if isinstance(value, bytes) else value.encode(errors="replace")
    return raw.translate(None, bytes(range(32)) + b"\x7f").strip()


@given(TEXTS)
def test_metadata_goes_through_headers(text: str) -> None:
    value = text.encode(errors="replace").decode()
    assert encoded(value).isascii()
    assert decoded(encoded(value)) == value


@given(st.text("=?uUtTfF-8bBqQ w7A_ \tÿ", max_size=30))
def test_what_is_not_an_encoded_word_is_only_text(text: str) -> None:
    assert decoded(encoded(decoded(text))) == decoded(text)


@given(st.dictionaries(st.sampled_from(sorted(USED)), TEXTS, max_size=3))
def test_announced_checksums_are_read_or_refused(headers: dict[str, str]) -> None:
    try:
        checksums, kind = announced_object(headers)
    except S3Error as error:
        refusal: S3Error | None = error
    else:
        refusal = None
        assert len(checksums) <= 1
        assert kind in ("", "COMPOSITE", "FULL_OBJECT")
    assert refusal is None or refusal.status in (400, 501)


@given(
    query=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=4),
    headers=st.dictionaries(st.sampled_from((*HEADERS, "authorization")), TEXTS, max_size=3),
)
def test_noise_is_never_let_in(query: dict[str, str], headers: dict[str, str]) -> None:
    sent = httpx.QueryParams(
        {name: text.encode(errors="replace").decode() for name, text in query.items()}
    )
    request = SignableRequest("GET", b"/b/k", str(sent).encode(), headers)
    with pytest.raises(S3Error) as refusal:
        let_in(request, Credentials("access", "secret"), 1_700_000_000.0)
    assert refusal.value.status in (400, 403)
