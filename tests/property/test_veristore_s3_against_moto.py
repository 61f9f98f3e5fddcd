"""The S3 face against moto's server: the same operations through boto3, the same answers.

boto3 parses each answer into a dictionary, and both dictionaries are compared whole, but for
what names a moment or a server (`INCIDENTAL`). Where the two differ on purpose it stands in one
of two tables, each line with its reason: `FIELDS` are not compared; `DIFFERENCES` are requests
that are answered otherwise, which the state machine does not make and a test of its own pins
down, so that a line that is no longer true fails.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import moto.s3.models
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from moto.server import ThreadedMotoServer

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.thoroughness import sized
from veristack_lab.veristore.s3 import Credentials, serve_in_thread

PART_BYTES = 16
"""Least length of a part that is not the last, on both servers."""
OLD, NEW = dt.datetime(2020, 1, 1), dt.datetime(2037, 1, 1)
CREDENTIALS = Credentials("access", "secret")

AWKWARD_KEYS = (
    *("a", "a/b", "a/b/c", "a/b/d", "b", "a//b", "/a", "a/", "a/b/", "//", "B", "aa", "a-", "a.t"),
    *("ü", "日本/語", "\U0001f600", "e\u0301", "a+b", "a b", " a", "a ", "100%", "%41"),
    *("a%2Fb", "a:b", ".", "..", "../a", "a/../b", "a/./b", "~a", "q?x=1&y=2", "#h", "(p)'*!"),
    *("\\", "a\tb", "<&>\"'", "a" * 200, "=", "@$,;"),
)
KEYS = st.sampled_from(AWKWARD_KEYS) | st.sampled_from(AWKWARD_KEYS[:6])
PREFIXES = st.sampled_from(
    ("", "a", "a/", "a/b", "a/b/", "/", "//", "ü", "日本/", "%", "a+", "x", " ", ".")
)
DELIMITERS = st.sampled_from(("", "/", "/", "/b", "b", "a", "%", "語"))
CONTENT = st.binary(max_size=40)

INCIDENTAL = {
    *("LastModified", "CreationDate", "Initiated", "Owner", "Initiator", "UploadId", "Message"),
    *("NextContinuationToken", "ContinuationToken", "UploadIdMarker", "NextUploadIdMarker"),
    "Location",
}


@dataclass(frozen=True)
class Field:
    """A part of answers that is not compared; with a slash, only at the top."""

    operation: str
    name: str
    reason: str


FIELDS = (
    Field("*", "ChecksumType", "moto does not tell it; S3 does"),
    Field(
        "complete_multipart_upload", "VersionId", "moto tells null; S3 only of versioned buckets"
    ),
    Field("* of objects uploaded in parts", "Checksum*", "moto computes none over parts; S3 does"),
    Field("copy_object of such", "ChecksumCRC32", "S3 computes it of the copy; moto forgets it"),
    Field("delete_objects, quiet", "Deleted", "moto tells it nevertheless"),
    Field("list_objects", "Marker", "moto leaves an empty one out; S3 does not"),
    Field("list_objects", "NextMarker", "moto gives a token; S3 the last entry of the page"),
    Field("list_objects", "ChecksumAlgorithm", "moto tells it in the second version only"),
    Field("list_objects", "/Prefix", "moto does not encode it; S3 does, says its reference"),
    Field("list_objects_v2", "/StartAfter", "moto does not encode it; S3 does"),
    Field("list_parts", "ChecksumCRC32", "moto does not tell it; S3 does"),
    Field("list_multipart_uploads", "Prefix", "moto does not repeat it; S3 does"),
    Field("list_multipart_uploads", "NextKeyMarker", "moto has no pages of uploads"),
)

ORDERS = (
    Field("list_multipart_uploads", "Uploads", "moto lists them as they were started; S3 by key"),
)
"""Lists whose order is not compared."""


@dataclass(frozen=True)
class Difference:
    """A request that the two servers answer otherwise. `{etag}` is that of the object `k`."""

    operation: str
    arguments: Mapping[str, Any]
    ours: str
    moto: str
    reason: str


DIFFERENCES = (
    Difference(
        "create_bucket",
        {},
        "BucketAlreadyOwnedByYou",
        "ok",
        "moto does as us-east-1 alone does; our own client must know whether it made the bucket",
    ),
    Difference(
        "put_object",
        {"Key": "k" * 1025, "Body": b""},
        "KeyTooLongError",
        "ok",
        "keys have up to 1,024 bytes",
    ),
    Difference(
        "put_object",
        {"Key": "a\nb", "Body": b""},
        "ok",
        "404",
        "moto's router knows no line's end in a path; S3 keys may have one",
    ),
    Difference(
        "get_object",
        {"Key": "\x01"},
        "NoSuchKey",
        "404",
        "moto writes what XML has no way to write; it shows as U+FFFD here",
    ),
    Difference(
        "list_objects_v2",
        {"StartAfter": "\uffff"},
        "ok",
        "500",
        "as above; with encoding-type=url, which boto3 asks for, it comes back whole",
    ),
    Difference(
        "get_object",
        {"Key": "k", "Range": "bytes=1-0"},
        "ok",
        "InvalidRange",
        "what is not a range is ignored (RFC 9110, 14.1.1)",
    ),
    Difference(
        "get_object",
        {"Key": "k", "Range": "x"},
        "ok",
        "500",
        "what names no unit that the server knows is ignored (RFC 9110, 14.2)",
    ),
    Difference(
        "get_object",
        {"Key": "empty", "Range": "bytes=-1"},
        "InvalidRange",
        "ok",
        "an empty object has no last byte",
    ),
    Difference("head_object", {"Key": "k", "IfMatch": "*"}, "ok", "412", "RFC 9110, 13.1.1"),
    Difference("head_object", {"Key": "k", "IfNoneMatch": "*"}, "304", "ok", "RFC 9110, 13.1.2"),
    Difference(
        "head_object",
        {"Key": "k", "IfMatch": "{etag}", "IfUnmodifiedSince": OLD},
        "ok",
        "412",
        "If-Match overrules the date (RFC 9110, 13.2.2)",
    ),
    Difference(
        "head_object",
        {"Key": "k", "IfNoneMatch": '"x"', "IfModifiedSince": NEW},
        "ok",
        "304",
        "If-None-Match overrules the date (RFC 9110, 13.2.2)",
    ),
    Difference(
        "put_object",
        {"Key": "k", "Body": b"k", "IfMatch": "*"},
        "ok",
        "PreconditionFailed",
        "any object there matches (RFC 9110, 13.1.1)",
    ),
    *(
        Difference(
            "copy_object",
            {"Key": "c", "CopySource": {"Bucket": "{bucket}", "Key": "k"}, **condition},
            "PreconditionFailed",
            "ok",
            "moto does not look at conditions on a copy's source",
        )
        for condition in (
            {"CopySourceIfMatch": '"x"'},
            {"CopySourceIfUnmodifiedSince": OLD},
            {"CopySourceIfModifiedSince": NEW},
        )
    ),
    Difference(
        "put_object",
        {"Key": "t", "Body": b"", "Tagging": "a=b"},
        "NotImplemented",
        "ok",
        "not half done: tags are not kept, so they are refused",
    ),
)


# ------------------------------------------------------------------ comparing


@dataclass
class Outcome:
    """What a server answered, as far as it is compared, and all of it."""

    code: str
    fields: dict[str, Any]
    raw: dict[str, Any] = field(repr=False, compare=False)


def ask(client: Any, operation: str, arguments: Mapping[str, Any]) -> Outcome:
    try:
        raw, code = getattr(client, operation)(**arguments), "ok"
    except ClientError as error:
        raw, code = error.response, error.response["Error"]["Code"]
    fields = {"status": raw["ResponseMetadata"]["HTTPStatusCode"]}
    if code == "ok":
        fields |= {name: value for name, value in raw.items() if name != "ResponseMetadata"}
        if "Body" in raw:
            fields["Body"] = raw["Body"].read()
    for order in ORDERS:
        if order.operation == operation and order.name in fields:
            fields[order.name] = sorted(fields[order.name], key=lambda entry: entry["Key"])
    skipped = {f.name for f in FIELDS if f.operation in ("*", operation)} | INCIDENTAL
    fields = {name: value for name, value in fields.items() if f"/{name}" not in skipped}
    return Outcome(code, _without(fields, skipped), raw)


def _without(value: Any, skipped: set[str]) -> Any:
    if isinstance(value, dict):
        is_of_parts = "-" in str(value.get("ETag", ""))
        return {
            name: _without(item, skipped)
            for name, item in value.items()
            if name not in skipped and not (is_of_parts and name.startswith("Checksum"))
        }
    return [_without(item, skipped) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Pair:
    """The two servers, and a bucket of the same name on both."""

    ours: Any
    moto: Any
    bucket: str = ""

    def ask(self, operation: str, **arguments: Any) -> Outcome:
        """Ask both for the same; compare; the answer."""
        return self.ask_each(operation, arguments, arguments)

    def ask_each(self, operation: str, ours: Mapping[str, Any], moto: Mapping[str, Any]) -> Outcome:
        """The same with arguments of each server's own, such as ids and tokens."""
        bucket = {} if operation == "list_buckets" else {"Bucket": self.bucket}
        answer = ask(self.ours, operation, {**bucket, **ours})
        expected = ask(self.moto, operation, {**bucket, **moto})
        assert answer == expected, f"{operation} {ours}: {answer} {expected}"
        answer.raw["theirs"] = expected.raw
        return answer


_names = (f"bucket-{number:04d}" for number in itertools.count())


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto_server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with (
        quick_folder() as folder,
        veristore.open(folder / "store") as store,
        serve_in_thread(
            veristore.ObjectStore(store, min_part_bytes=PART_BYTES), credentials=CREDENTIALS
        ) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", PART_BYTES)
        moto_server.start()
        host, port = moto_server.get_host_and_port()
        pair = Pair(_client(url), _client(f"http://{host}:{port}"))
        try:
            yield pair
        finally:
            pair.ours.close()
            pair.moto.close()
            moto_server.stop()


def _client(url: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        config=Config(retries={"max_attempts": 0}),
    )


def fresh_bucket(servers: Pair) -> Pair:
    pair = Pair(servers.ours, servers.moto, next(_names))
    pair.ask("create_bucket")
    return pair


# ------------------------------------------------------------------ the machine


class S3AgainstMoto(RuleBasedStateMachine):
    """Whatever is asked in whatever order, the two servers answer alike."""

    servers: Pair

    def __init__(self) -> None:
        super().__init__()
        self.pair = fresh_bucket(self.servers)
        self.etags: dict[str, str] = {}
        self.of_parts: set[str] = set()
        self.uploads: list[dict[str, Any]] = []

    def etag_of(self, key: str, *, is_right: bool) -> str:
        return self.etags.get(key, '"0"') if is_right else '"0123"'

    @rule(
        key=KEYS,
        content=CONTENT,
        metadata=st.dictionaries(st.sampled_from(("a", "b-c")), st.sampled_from(("1", "x y"))),
        extra=st.sampled_from(
            (
                {},
                {"ContentType": "text/plain; charset=utf-8"},
                {"CacheControl": "no-cache", "ContentLanguage": "de"},
                {"ContentEncoding": "gzip", "ContentDisposition": "inline"},
                {"ChecksumAlgorithm": "SHA256"},
                {"ChecksumAlgorithm": "SHA1"},
            )
        ),
    )
    def put(
        self, key: str, content: bytes, metadata: dict[str, str], extra: dict[str, str]
    ) -> None:
        answer = self.pair.ask("put_object", Key=key, Body=content, Metadata=metadata, **extra)
        self.made(key, answer.raw["ETag"])

    def made(self, key: str, etag: str) -> None:
        self.etags[key] = etag
        self.of_parts.discard(key)

    @rule(key=KEYS, content=CONTENT, is_right=st.booleans(), is_new=st.booleans())
    def put_if(self, key: str, content: bytes, is_right: bool, is_new: bool) -> None:
        condition = {"IfNoneMatch": "*"}
        if not is_new:
            condition = {"IfMatch": self.etag_of(key, is_right=is_right)}
        answer = self.pair.ask("put_object", Key=key, Body=content, **condition)
        if answer.code == "ok":
            self.made(key, answer.raw["ETag"])

    @rule(key=KEYS, operation=st.sampled_from(("get_object", "head_object")))
    def read(self, key: str, operation: str) -> None:
        self.pair.ask(operation, Key=key)

    @rule(
        key=KEYS,
        operation=st.sampled_from(("get_object", "head_object")),
        first=st.integers(0, 45),
        length=st.integers(1, 45),
        form=st.sampled_from(("closed", "open", "suffix")),
    )
    def read_range(self, key: str, operation: str, first: int, length: int, form: str) -> None:
        forms = {"closed": f"{first}-{first + length - 1}", "open": f"{first}-"}
        text = forms.get(form, f"-{length}")
        size = self.size_of(key)
        if form == "suffix" and (size == 0 or length >= (size or 0)):
            return  # see DIFFERENCES; and moto tells checksums of a range that is the whole
        if form != "suffix" and first == 0 and (form == "open" or length >= (size or 0)):
            return
        self.pair.ask(operation, Key=key, Range=f"bytes={text}")

    def size_of(self, key: str) -> int | None:
        answer = self.pair.ask("head_object", Key=key)
        return answer.raw["ContentLength"] if answer.code == "ok" else None

    @rule(
        key=KEYS,
        operation=st.sampled_from(("get_object", "head_object")),
        is_right=st.booleans(),
        condition=st.sampled_from(("IfMatch", "IfNoneMatch")),
    )
    def read_if(self, key: str, operation: str, is_right: bool, condition: str) -> None:
        etag = self.etag_of(key, is_right=is_right)
        self.pair.ask(operation, Key=key, **{condition: etag})

    @rule(
        key=KEYS,
        condition=st.sampled_from(("IfModifiedSince", "IfUnmodifiedSince")),
        date=st.sampled_from((OLD, NEW)),
    )
    def read_since(self, key: str, condition: str, date: dt.datetime) -> None:
        self.pair.ask("get_object", Key=key, **{condition: date})

    @rule(source=KEYS, key=KEYS, is_replacing=st.booleans())
    def copy(self, source: str, key: str, is_replacing: bool) -> None:
        if source in self.of_parts:
            return  # see FIELDS
        directive: dict[str, Any] = {}
        if is_replacing:
            directive = {"MetadataDirective": "REPLACE", "Metadata": {"n": "1"}}
        answer = self.pair.ask(
            "copy_object",
            Key=key,
            CopySource={"Bucket": self.pair.bucket, "Key": source},
            **directive,
        )
        if answer.code == "ok":
            self.made(key, answer.raw["CopyObjectResult"]["ETag"])

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.pair.ask("delete_object", Key=key)
        self.etags.pop(key, None)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4, unique=True))
    def delete_together(self, keys: list[str]) -> None:
        self.pair.ask("delete_objects", Delete={"Objects": [{"Key": key} for key in keys]})
        for key in keys:
            self.etags.pop(key, None)

    @rule(prefix=PREFIXES, delimiter=DELIMITERS, after=st.just("") | KEYS, size=st.integers(1, 5))
    def list_pages(self, prefix: str, delimiter: str, after: str, size: int) -> None:
        fixed = {"Prefix": prefix, "Delimiter": delimiter, "MaxKeys": size}
        answer = self.pair.ask("list_objects_v2", **fixed, StartAfter=after)
        while answer.raw.get("IsTruncated"):
            tokens = (answer.raw, answer.raw["theirs"])
            ours, moto_ = (
                {**fixed, "ContinuationToken": raw["NextContinuationToken"]} for raw in tokens
            )
            answer = self.pair.ask_each("list_objects_v2", ours, moto_)

    @rule(prefix=PREFIXES, delimiter=DELIMITERS)
    def list_first_version(self, prefix: str, delimiter: str) -> None:
        self.pair.ask("list_objects", Prefix=prefix, Delimiter=delimiter)

    @rule(prefix=PREFIXES, marker=KEYS, size=st.integers(1, 5))
    def list_first_version_pages(self, prefix: str, marker: str, size: int) -> None:
        self.pair.ask("list_objects", Prefix=prefix, Marker=marker, MaxKeys=size)

    # -------------------------------------------------------------- uploads

    @rule(key=KEYS)
    def start_upload(self, key: str) -> None:
        answer = self.pair.ask("create_multipart_upload", Key=key, Metadata={"up": "load"})
        ids = (answer.raw["UploadId"], answer.raw["theirs"]["UploadId"])
        self.uploads.append({"key": key, "ids": ids, "parts": {}})

    def ask_upload(self, operation: str, upload: dict[str, Any], **arguments: Any) -> Outcome:
        ours, moto_ = ({"Key": upload["key"], "UploadId": i, **arguments} for i in upload["ids"])
        return self.pair.ask_each(operation, ours, moto_)

    @rule(
        data=st.data(),
        number=st.integers(1, 4),
        content=st.binary(min_size=1, max_size=2 * PART_BYTES),
    )
    def put_part(self, data: st.DataObject, number: int, content: bytes) -> None:
        if self.uploads:
            upload = data.draw(st.sampled_from(self.uploads))
            answer = self.ask_upload("upload_part", upload, PartNumber=number, Body=content)
            if answer.code == "ok":
                upload["parts"][number] = answer.raw["ETag"]

    @rule(data=st.data())
    def list_parts(self, data: st.DataObject) -> None:
        if self.uploads:
            self.ask_upload("list_parts", data.draw(st.sampled_from(self.uploads)))
        self.pair.ask("list_multipart_uploads")

    @rule(data=st.data(), is_right=st.booleans())
    def complete(self, data: st.DataObject, is_right: bool) -> None:
        if not self.uploads:
            return
        upload = data.draw(st.sampled_from(self.uploads))
        parts = [{"PartNumber": n, "ETag": e} for n, e in sorted(upload["parts"].items())]
        if not parts:
            return
        if not is_right:
            parts[-1]["ETag"] = '"00000000000000000000000000000000"'
        answer = self.ask_upload(
            "complete_multipart_upload", upload, MultipartUpload={"Parts": parts}
        )
        if answer.code == "ok":
            self.made(upload["key"], answer.raw["ETag"])
            self.of_parts.add(upload["key"])
            self.uploads.remove(upload)

    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        if self.uploads:
            upload = data.draw(st.sampled_from(self.uploads))
            self.uploads.remove(upload)
            self.ask_upload("abort_multipart_upload", upload)
            self.ask_upload("list_parts", upload)
            self.ask_upload("abort_multipart_upload", upload)

    # -------------------------------------------------------------- buckets

    @rule()
    def buckets(self) -> None:
        self.pair.ask("list_buckets")
        self.pair.ask("head_bucket")
        self.pair.ask("get_bucket_location")
        nowhere = Pair(self.pair.ours, self.pair.moto, "bucket-nowhere")
        for operation in ("head_bucket", "delete_bucket", "list_objects_v2"):
            nowhere.ask(operation)
        nowhere.ask("put_object", Key="k", Body=b"")
        nowhere.ask("get_object", Key="k")

    @rule()
    def remove_bucket(self) -> None:
        if (self.etags or not self.uploads) and self.pair.ask("delete_bucket").code == "ok":
            self.pair.ask("create_bucket")


@pytest.mark.backends
def test_both_answer_alike(servers: Pair) -> None:
    machine = type("Machine", (S3AgainstMoto,), {"servers": servers})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=sized(5, 40),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.backends
@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda d: f"{d.operation}-{d.ours}")
def test_each_difference_is_as_the_table_says(servers: Pair, difference: Difference) -> None:
    pair = fresh_bucket(servers)
    etag = pair.ask("put_object", Key="k", Body=b"k").raw["ETag"]
    pair.ask("put_object", Key="empty", Body=b"")
    filled = _filled(dict(difference.arguments), etag=etag, bucket=pair.bucket)
    arguments = {"Bucket": pair.bucket, **filled}
    codes = [ask(c, difference.operation, arguments).code for c in (pair.ours, pair.moto)]
    assert codes == [difference.ours, difference.moto]


UPLOAD_DIFFERENCES = (
    ((2, 1), "InvalidPartOrder", "ok", "moto puts the parts in order; S3 refuses"),
)


@pytest.mark.backends
@pytest.mark.parametrize("difference", UPLOAD_DIFFERENCES, ids=lambda d: d[1])
def test_differences_in_completing_uploads(
    servers: Pair, difference: tuple[tuple[int, ...], str, str, str]
) -> None:
    numbers, *codes, _ = difference
    pair = fresh_bucket(servers)
    where = {"Bucket": pair.bucket, "Key": "k"}
    for client, code in zip((pair.ours, pair.moto), codes, strict=True):
        upload = {**where, "UploadId": client.create_multipart_upload(**where)["UploadId"]}
        body = bytes(PART_BYTES)
        etags = {
            number: client.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
            for number in (1, 2)
        }
        parts = [{"PartNumber": n, "ETag": etags.get(n, etags[1])} for n in numbers]
        completion = {**upload, "MultipartUpload": {"Parts": parts}}
        assert ask(client, "complete_multipart_upload", completion).code == code


def _filled(value: Any, **names: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, **names) for key, item in value.items()}
    return value.format(**names) if isinstance(value, str) else value
