"""The S3 face, feature by feature: through boto3, and with requests that no client would send."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import socket
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.backends.objects import object_server
from veristack_lab.runtime.processes import spawn, wait_until_ready
from veristack_lab.veristore import ObjectStore, RemoteObjectStore
from veristack_lab.veristore.objects.reader import ObjectReader
from veristack_lab.veristore.s3 import Credentials, serve_in_thread
from veristack_lab.veristore.s3.claims import Scope
from veristack_lab.veristore.s3.sigv4 import Signed

MIB = 1024 * 1024
CREDENTIALS = Credentials("the/access-key", "secret")


class Server:
    """One store, served open and signed."""

    def __init__(self, objects: ObjectStore, folder: Path, url: str, signed_url: str) -> None:
        self.objects, self.folder, self.url, self.signed_url = objects, folder, url, signed_url
        self.client = client_of(signed_url)

    @property
    def address(self) -> tuple[str, int]:
        return address_of(self.url)


def address_of(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


def client_of(
    url: str, credentials: Credentials = CREDENTIALS, region: str = "eu-central-1"
) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        quick_folder() as folder,
        veristore.open(folder / "store") as store,
        serve_in_thread(objects := ObjectStore(store)) as url,
        serve_in_thread(objects, credentials=CREDENTIALS) as signed_url,
    ):
        server = Server(objects, folder / "store", url, signed_url)
        yield server
        server.client.close()


@pytest.fixture
def s3(server: Server) -> Any:
    return server.client


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


@pytest.fixture
def bucket(server: Server, unique_name: str) -> str:
    server.objects.create_bucket(unique_name)
    return unique_name


def code_of(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


def code_in(answer: httpx.Response) -> str:
    found = re.search("<Code>(.*?)</Code>", answer.text)
    return found[1] if found else ""


def noise(size: int) -> bytes:
    return hashlib.shake_256(b"noise").digest(size)


# ------------------------------------------------------------------ boto3


def test_buckets(s3: Any, unique_name: str) -> None:
    s3.create_bucket(
        Bucket=unique_name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert (
        code_of(
            s3.create_bucket,
            Bucket=unique_name,
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )
        == "BucketAlreadyOwnedByYou"
    )
    s3.put_object(Bucket=unique_name, Key="k", Body=b"")
    assert unique_name in [found["Name"] for found in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=unique_name)["LocationConstraint"] is None
    assert code_of(s3.delete_bucket, Bucket=unique_name) == "BucketNotEmpty"
    s3.delete_object(Bucket=unique_name, Key="k")
    s3.delete_bucket(Bucket=unique_name)
    assert code_of(s3.head_bucket, Bucket=unique_name) == "404"


def test_boto3_transfers_large_files_in_parts(s3: Any, bucket: str) -> None:
    content = noise(18 * MIB + 5)
    s3.upload_fileobj(io.BytesIO(content), bucket, "large", ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert (head["Metadata"], head["ChecksumType"]) == ({"a": "b"}, "COMPOSITE")
    fetched = io.BytesIO()
    s3.download_fileobj(bucket, "large", fetched)
    assert fetched.getvalue() == content
    across = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={8 * MIB - 3}-{8 * MIB + 2}")
    assert across["Body"].read() == content[8 * MIB - 3 : 8 * MIB + 3]


def test_headers_are_kept_copied_and_replaced(s3: Any, bucket: str) -> None:
    kept = {
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
        "Metadata": {"a": "b", "c-d": "e f"},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **kept)
    s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"})
    for key in ("k", "c"):
        head = s3.head_object(Bucket=bucket, Key=key)
        assert {name: head[name] for name in kept} == kept
    s3.copy_object(
        Bucket=bucket,
        Key="c",
        CopySource={"Bucket": bucket, "Key": "c"},
        MetadataDirective="REPLACE",
        ContentType="text/x",
    )
    head = s3.head_object(Bucket=bucket, Key="c")
    assert (head["ContentType"], head["Metadata"], "CacheControl" in head) == ("text/x", {}, False)
    answer = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="a/b")
    assert answer["ContentType"] == "a/b"


def test_a_conditional_put_is_won_once(server: Server, bucket: str) -> None:
    results: list[int] = []

    def put(number: int) -> None:
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            answer = client.put(
                f"/{bucket}/k", content=b"%d" % number, headers={"if-none-match": "*"}
            )
            results.append(answer.status_code)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [200] + [412] * 7


def test_pages(s3: Any, bucket: str) -> None:
    keys = [f"{folder}/{n:02d} ü+%" for folder in "ab" for n in range(6)] + ["c"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    paginator = s3.get_paginator("list_objects_v2")
    pages = list(paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": 5}))
    assert [len(page["Contents"]) for page in pages] == [5, 5, 3]
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    tops = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert [entry["Prefix"] for entry in tops["CommonPrefixes"]] == ["a/", "b/"]
    assert (tops["KeyCount"], tops["IsTruncated"]) == (2, True)
    token = tops["NextContinuationToken"]
    rest = s3.list_objects_v2(Bucket=bucket, Delimiter="/", ContinuationToken=token)
    assert [entry["Key"] for entry in rest["Contents"]] == ["c"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    wrong = code_of(s3.list_objects_v2, Bucket=bucket, ContinuationToken="Zm9v")
    assert wrong == "InvalidArgument"
    first = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=1)
    assert first["NextMarker"] == "a/"
    second = s3.list_objects(Bucket=bucket, Delimiter="/", Marker=first["NextMarker"])
    assert [entry["Prefix"] for entry in second["CommonPrefixes"]] == ["b/"]


def test_uploads_in_parts(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    first, last = noise(5 * MIB), b"end"
    etags = {
        number: s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
        for number, body in ((3, last), (1, b"old"), (1, first), (2, b"small"))
    }

    def complete(*numbers: int, etag: str = "") -> dict[str, Any]:
        parts = [{"PartNumber": n, "ETag": etag or etags.get(n, "x")} for n in numbers]
        found: dict[str, Any] = s3.complete_multipart_upload(
            **upload, MultipartUpload={"Parts": parts}
        )
        return found

    for numbers, code in (
        ((3, 1), "InvalidPartOrder"),
        ((1, 1), "InvalidPartOrder"),
        ((1, 4), "InvalidPart"),
        ((1, 2, 3), "EntityTooSmall"),
        ((), "MalformedXML"),
    ):
        with pytest.raises(ClientError, match=code):
            complete(*numbers)
    with pytest.raises(ClientError, match="InvalidPart"):
        complete(1, 3, etag='"00000000000000000000000000000000"')
    assert code_of(s3.head_object, **where) == "404"
    made = complete(1, 3)
    assert complete(1, 3)["ETag"] == made["ETag"]
    md5s = hashlib.md5(first).digest() + hashlib.md5(last).digest()
    assert made["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"'
    assert s3.get_object(**where)["Body"].read() == first + last
    for call in (s3.list_parts, s3.abort_multipart_upload):
        assert code_of(call, **upload) == "NoSuchUpload"
    assert code_of(s3.upload_part, **upload, PartNumber=1, Body=b"") == "NoSuchUpload"


def test_conditions_on_completing_and_deleting(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(**where, Body=b"old")["ETag"]
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"new")["ETag"]
    parts = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part}]}}
    complete = s3.complete_multipart_upload
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"0"'}):
        assert code_of(complete, **upload, **parts, **condition) == "PreconditionFailed"
    assert s3.get_object(**where)["Body"].read() == b"old"
    made = complete(**upload, **parts, IfMatch=etag)["ETag"]
    assert s3.get_object(**where)["Body"].read() == b"new"
    assert code_of(s3.delete_object, **where, IfMatch=etag) == "PreconditionFailed"
    s3.delete_object(**where, IfMatch=made)
    assert code_of(s3.delete_object, **where, IfMatch=made) == "NoSuchKey"


def test_parts_may_be_copied_and_are_held_to_their_checksums(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    where = {"Bucket": bucket, "Key": "k"}
    started = s3.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")
    upload = {**where, "UploadId": started["UploadId"]}
    source = {"Bucket": bucket, "Key": "source"}
    copied = s3.upload_part_copy(
        **upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-4"
    )
    too_far = {"CopySource": source, "CopySourceRange": "bytes=2-10"}
    assert code_of(s3.upload_part_copy, **upload, PartNumber=2, **too_far) == "InvalidArgument"
    part = s3.upload_part(**upload, PartNumber=1, Body=b"234", ChecksumAlgorithm="SHA256")
    assert part["ETag"] == copied["CopyPartResult"]["ETag"]
    digest = base64.b64encode(hashlib.sha256(b"234").digest()).decode()
    assert part["ChecksumSHA256"] == digest
    (listed,) = s3.list_parts(**upload)["Parts"]
    assert (listed["Size"], listed["ChecksumSHA256"]) == (3, digest)
    named = {"PartNumber": 1, "ETag": part["ETag"]}
    wrong = {**named, "ChecksumSHA256": base64.b64encode(bytes(32)).decode()}
    finish = s3.complete_multipart_upload
    assert code_of(finish, **upload, MultipartUpload={"Parts": [wrong]}) == "InvalidPart"
    right = {**named, "ChecksumSHA256": digest}
    for _ in range(2):
        done = finish(**upload, MultipartUpload={"Parts": [right]})
        assert done["ChecksumSHA256"].endswith("-1")


def test_uploads_are_listed_page_by_page(s3: Any, bucket: str) -> None:
    keys = ["a", "a", "b ü", "c"]
    for key in keys:
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    pages = list(
        s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, EncodingType="url", PaginationConfig={"PageSize": 1}
        )
    )
    found = [upload for page in pages for upload in page["Uploads"]]
    assert [upload["Key"] for upload in found] == ["a", "a", "b%20%C3%BC", "c"]
    assert len({upload["UploadId"] for upload in found}) == 4
    only = s3.list_multipart_uploads(Bucket=bucket, Prefix="b")["Uploads"]
    assert [upload["Key"] for upload in only] == ["b ü"]


def test_deleting_many(s3: Any, bucket: str) -> None:
    for key in ("a", "b&\r\n", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    objects = [{"Key": "a"}, {"Key": "b&\r\n"}, {"Key": "no"}, {"Key": "c", "ETag": '"0"'}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [entry["Key"] for entry in answer["Deleted"]] == ["a", "b&\r\n", "no"]
    (failed,) = answer["Errors"]
    assert (failed["Key"], failed["Code"]) == ("c", "PreconditionFailed")
    versions = [{"Key": "c", "VersionId": "1"}, {"Key": "k" * 1025}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
    assert [entry["Code"] for entry in answer["Errors"]] == ["NoSuchVersion", "KeyTooLongError"]
    assert "Deleted" not in answer
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == ["c"]


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 10, 3 * MIB])
def test_checksums_of_boto3(s3: Any, bucket: str, algorithm: str, size: int) -> None:
    content = noise(size)
    put = s3.put_object(
        Bucket=bucket, Key="k", Body=io.BytesIO(content), ChecksumAlgorithm=algorithm
    )
    name = f"Checksum{algorithm}"
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert answer["Body"].read() == content
    assert put[name] == answer[name]
    assert "ChecksumType" not in s3.head_object(Bucket=bucket, Key="k")


# ------------------------------------------------------------------ signatures


def test_who_may_not_enter(server: Server, bucket: str) -> None:
    for credentials, code in (
        (Credentials("other", "secret"), "InvalidAccessKeyId"),
        (Credentials(CREDENTIALS.access_key, "other"), "SignatureDoesNotMatch"),
    ):
        with closing(client_of(server.signed_url, credentials)) as client:
            assert code_of(client.list_objects_v2, Bucket=bucket) == code
    with httpx.Client(base_url=server.signed_url, trust_env=False) as http:
        assert code_in(http.get(f"/{bucket}")) == "AccessDenied"
        # refused before its body is read, and the client still hears why
        answer = http.put(f"/{bucket}/k", content=noise(6 * MIB))
        assert (answer.status_code, code_in(answer)) == (403, "AccessDenied")


def test_an_old_signature_is_refused(server: Server) -> None:
    with httpx.Client(base_url=server.signed_url, trust_env=False) as http:
        headers = {
            "x-amz-date": "20200101T000000Z",
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            "authorization": "AWS4-HMAC-SHA256 Credential=the/access-key/20200101/r/s3/"
            "aws4_request, SignedHeaders=host, Signature=0",
        }
        answer = http.get("/", headers=headers)
        assert (answer.status_code, code_in(answer)) == (403, "RequestTimeTooSkewed")


def test_presigned_urls(server: Server, s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "a ü/+%"}
    put = s3.generate_presigned_url("put_object", Params=where)
    get = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
    assert httpx.put(put, content=b"content", trust_env=False).status_code == 200
    assert httpx.get(get, trust_env=False).content == b"content"
    spoilt = httpx.get(get.replace("Expires=60", "Expires=61"), trust_env=False)
    assert code_in(spoilt) == "SignatureDoesNotMatch"
    old = re.sub(r"X-Amz-Date=\d{8}", "X-Amz-Date=20200101", get)
    old = re.sub(r"%2F\d{8}%2F", "%2F20200101%2F", old)
    with closing(client_of(server.signed_url, region="us-east-1")) as client:
        second = client.generate_presigned_url("get_object", Params=where)
    assert httpx.get(second, trust_env=False).content == b"content"
    opened = httpx.get(second.replace(server.signed_url, server.url), trust_env=False)
    assert opened.content == b"content"
    expired = httpx.get(old, trust_env=False)
    assert (code_in(expired), "expired" in expired.text) == ("AccessDenied", True)


class StreamingAuth(S3SigV4Auth):
    """botocore's signer for a body whose chunks are signed one by one."""

    def payload(self, request: AWSRequest) -> str:
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


@pytest.mark.parametrize("spoil", [False, True])
def test_signed_chunks(server: Server, bucket: str, spoil: bool) -> None:
    chunks = [noise(70_000), noise(70_000), b"end", b""]
    url = f"{server.signed_url}/{bucket}/k"
    request = AWSRequest("PUT", url)
    request.headers["x-amz-decoded-content-length"] = str(sum(map(len, chunks)))
    request.headers["content-encoding"] = "aws-chunked"
    signer = BotoCredentials(CREDENTIALS.access_key, CREDENTIALS.secret_key)
    StreamingAuth(signer, "s3", "eu-central-1").add_auth(request)
    headers = {name: str(value) for name, value in request.headers.items()}
    signature = headers["Authorization"].rpartition("=")[2]
    scope = Scope(headers["X-Amz-Date"], "eu-central-1", "s3")
    signed = Signed(signature, scope, scope.key(CREDENTIALS.secret_key))
    wire = b""
    for chunk in chunks:
        signature = signed.of_chunk(signature, hashlib.sha256(chunk).hexdigest())
        sent = chunk[:-1] + b"?" if spoil and chunk == b"end" else chunk
        wire += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), signature.encode(), sent)
    answer = httpx.put(url, content=wire, headers=headers, trust_env=False)
    if spoil:
        assert code_in(answer) == "SignatureDoesNotMatch"
        assert code_of(server.client.head_object, Bucket=bucket, Key="k") == "404"
    else:
        assert answer.status_code == 200
        found = server.client.get_object(Bucket=bucket, Key="k")
        assert found["Body"].read() == b"".join(chunks)
        assert "ContentEncoding" not in found


# ------------------------------------------------------------------ requests by hand

EMPTY_XML = b"<Delete></Delete>"
REFUSALS: list[tuple[str, str, dict[str, str], bytes, int, str]] = [
    ("GET", "/B/no", {}, b"", 404, "NoSuchKey"),
    ("GET", "/no-bucket?list-type=2", {}, b"", 404, "NoSuchBucket"),
    ("PUT", "/B", {}, b"", 409, "BucketAlreadyOwnedByYou"),
    ("PUT", "/B2", {}, b"<no", 400, "MalformedXML"),
    ("PUT", "/" + "b" * 256, {}, b"", 400, "InvalidBucketName"),
    ("PUT", "//k", {}, b"", 400, "InvalidURI"),
    ("PUT", "/B/%ff", {}, b"", 400, "InvalidURI"),
    ("GET", "/B?prefix=%ff", {}, b"", 400, "InvalidURI"),
    ("PUT", "/B/" + "k" * 1025, {}, b"", 400, "KeyTooLongError"),
    ("GET", "/B?list-type=3", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B?max-keys=x", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B?max-keys=-1", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B?encoding-type=x", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B?list-type=2&continuation-token=%C3%BC", {}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k", {"content-md5": "x"}, b"", 400, "InvalidDigest"),
    ("PUT", "/B/k", {"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, b"x", 400, "BadDigest"),
    ("PUT", "/B/k", {"x-amz-checksum-sha256": "AAAA"}, b"", 400, "InvalidRequest"),
    ("PUT", "/B/k", {"x-amz-checksum-crc32": "AAAAAA=="}, b"x", 400, "BadDigest"),
    ("PUT", "/B/k", {"x-amz-checksum-crc32c": "AAAAAA=="}, b"x", 400, "BadDigest"),
    ("PUT", "/B/k", {"x-amz-checksum-md5": "AAAA"}, b"", 501, "NotImplemented"),
    (
        "PUT",
        "/B/k",
        {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="},
        b"",
        400,
        "InvalidRequest",
    ),
    ("PUT", "/B/k", {"x-amz-content-sha256": "0" * 64}, b"", 400, "XAmzContentSHA256Mismatch"),
    ("PUT", "/B/k", {"x-amz-content-sha256": "x"}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k", {"x-amz-content-sha256": "STREAMING-X"}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"x-amz-trailer": "x-amz-checksum-crc32"}, b"", 400, "InvalidRequest"),
    (
        "PUT",
        "/B/k",
        {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
        b"0\r\n\r\n",
        411,
        "MissingContentLength",
    ),
    ("PUT", "/B/k", {"if-none-match": '"x"'}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"if-match": '"x"'}, b"", 404, "NoSuchKey"),
    ("PUT", "/B/k", {"if-match": '"x", "y"'}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"x-amz-tagging": "a=b"}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"x-amz-acl": "public-read"}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"x-amz-server-side-encryption": "AES256"}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"x-amz-storage-class": "GLACIER"}, b"", 501, "NotImplemented"),
    ("PUT", "/B/k", {"x-amz-meta-a": "a" * 9000}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k", {"x-amz-copy-source": "/B/no"}, b"", 404, "NoSuchKey"),
    ("PUT", "/B/k", {"x-amz-copy-source": "no"}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k", {"x-amz-copy-source": "/B/no?versionId=3"}, b"", 404, "NoSuchVersion"),
    ("PUT", "/B/k?uploadId=x&partNumber=1", {}, b"", 404, "NoSuchUpload"),
    ("PUT", "/B/k?uploadId=x&partNumber=0", {}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k?uploadId=x&partNumber=10001", {}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k?uploadId=x", {}, b"", 400, "InvalidArgument"),
    ("PUT", "/B/k?acl", {}, b"", 501, "NotImplemented"),
    ("GET", "/B/k?tagging", {}, b"", 404, "NoSuchKey"),
    ("GET", "/B?tagging&acl", {}, b"", 501, "NotImplemented"),
    ("PUT", "/B?versioning", {}, b"", 501, "NotImplemented"),
    ("DELETE", "/B?versioning", {}, b"", 501, "NotImplemented"),
    ("GET", "/B/k?versionId=1", {}, b"", 404, "NoSuchVersion"),
    ("DELETE", "/B/k?versionId=1", {}, b"", 404, "NoSuchVersion"),
    ("GET", "/B/k?torrent", {}, b"", 501, "NotImplemented"),
    ("GET", "/B/k?partNumber=0", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B/k?partNumber=1", {"range": "bytes=0-1"}, b"", 400, "InvalidRequest"),
    ("GET", "/B/k?attributes", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B/k?attributes", {"x-amz-object-attributes": "Size"}, b"", 400, "InvalidArgument"),
    ("GET", "/B?versions&version-id-marker=null", {}, b"", 400, "InvalidArgument"),
    ("GET", "/?max-buckets=0", {}, b"", 400, "InvalidArgument"),
    ("GET", "/?continuation-token=x", {}, b"", 400, "InvalidArgument"),
    ("GET", "/B/k?response-content-type=a%0d%0ab", {}, b"", 400, "InvalidArgument"),
    ("POST", "/B/k?uploadId=x", {}, b"<CompleteMultipartUpload/>", 400, "MalformedXML"),
    ("POST", "/B/k", {}, b"", 501, "NotImplemented"),
    ("POST", "/B?delete", {"accept": "*/*"}, EMPTY_XML, 400, "InvalidRequest"),
    ("POST", "/B?delete", {}, EMPTY_XML, 400, "MalformedXML"),
    ("POST", "/B?delete", {}, b"", 400, "MalformedXML"),
    ("POST", "/B?delete", {}, b"<Delete><Object>", 400, "MalformedXML"),
    ("POST", "/B?delete", {}, b"<!DOCTYPE x>" + EMPTY_XML, 400, "MalformedXML"),
    ("POST", "/B?delete", {}, b"<a>" * 100_000, 400, "MalformedXML"),
    (
        "POST",
        "/B?delete",
        {},
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
        400,
        "MalformedXML",
    ),
    ("POST", "/B?delete", {}, b" " * (8 * MIB + 1), 400, "EntityTooLarge"),
    ("POST", "/B?delete", {"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, EMPTY_XML, 400, "BadDigest"),
    ("GET", "/B/k", {"host": "bucket.localhost:9000"}, b"", 400, "InvalidRequest"),
    ("GET", "/B/k", {"host": "example.org"}, b"", 400, "InvalidRequest"),
    ("GET", "/B/k", {"host": "localhost:9000"}, b"", 404, "NoSuchKey"),
    ("PATCH", "/B/k", {}, b"", 405, "MethodNotAllowed"),
    ("DELETE", "/B/k", {"if-none-match": "*"}, b"", 501, "NotImplemented"),
    ("DELETE", "/", {}, b"", 501, "NotImplemented"),
]


def test_refusals_in_s3s_words(http: httpx.Client, bucket: str) -> None:
    for method, path, headers, content, status, code in REFUSALS:
        place = path.replace("/B", f"/{bucket}")
        notes = {name: value.replace("/B/", f"/{bucket}/") for name, value in headers.items()}
        url = httpx.URL(http.base_url).copy_with(raw_path=place.encode())
        if "?delete" in path and not headers:
            notes["content-md5"] = base64.b64encode(hashlib.md5(content).digest()).decode()
        answer = http.request(method, url, headers=notes, content=content)
        assert (answer.status_code, code_in(answer)) == (status, code), (method, path, headers)
        assert answer.headers["content-type"] == "application/xml"
        request_id = answer.headers["x-amz-request-id"]
        assert f"<RequestId>{request_id}</RequestId>" in answer.text
    head = http.head(f"/{bucket}/no")
    assert (head.status_code, head.content) == (404, b"")
    assert http.get(f"/{bucket}").text.count("<Contents>") == 0


def test_what_is_refused_is_named(http: httpx.Client, bucket: str) -> None:
    for path, headers, name in (
        (f"/{bucket}/k?retention", {}, "retention"),
        (f"/{bucket}/k", {"x-amz-object-lock-mode": "GOVERNANCE"}, "x-amz-object-lock-mode"),
        (f"/{bucket}/k", {"x-amz-checksum-sha512": "x"}, "sha512"),
    ):
        answer = http.put(path, headers=headers)
        assert (answer.status_code, name in answer.text) == (501, True)


@pytest.mark.parametrize(
    "key",
    [
        "..",
        "../../etc",
        "/",
        "//",
        "a//b",
        "a/",
        "/a",
        "./a",
        "a/../b",
        "\x00",
        "a\x00b",
        "\r\n",
        "\u202e",
    ],
)
def test_keys_are_only_names(server: Server, http: httpx.Client, bucket: str, key: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in key.encode())
    raw = httpx.URL(server.url).copy_with(raw_path=f"/{bucket}/{quoted}".encode())
    files = {path for path in server.folder.parent.rglob("*") if path.is_file()}
    assert http.put(raw, content=b"content").status_code == 200
    assert http.get(raw).content == b"content"
    assert [info.key for info in server.objects.list(bucket)] == [key]
    listed = http.get(f"/{bucket}?list-type=2&encoding-type=url")
    assert listed.text.count("<Key>") == 1
    assert http.get(f"/{bucket}").status_code == 200
    assert http.delete(raw).status_code == 204
    assert {path for path in server.folder.parent.rglob("*") if path.is_file()} == files


CHECK_VALUES = {"crc32c": "4waSgw==", "crc64nvme": "rosUhgp5mIg="}
"""Of "123456789", from the catalogue of parametrised CRC algorithms, in base64."""


def test_checksums_that_boto3_cannot_send(http: httpx.Client, bucket: str) -> None:
    path, ask = f"/{bucket}/k", {"x-amz-checksum-mode": "ENABLED"}
    for algorithm, digest in CHECK_VALUES.items():
        name = f"x-amz-checksum-{algorithm}"
        assert http.put(path, content=b"987654321", headers={name: digest}).status_code == 400
        assert http.put(path, content=b"123456789", headers={name: digest}).status_code == 200
        assert name not in http.get(path).headers
        assert http.get(path, headers=ask).headers[name] == digest
        assert name not in http.get(path, headers={**ask, "range": "bytes=0-1"}).headers


def test_a_range_counts_only_while_it_is_of_the_same(http: httpx.Client, bucket: str) -> None:
    path = f"/{bucket}/k"
    etag = http.put(path, content=b"0123456789").headers["etag"]
    modified = http.head(path).headers["last-modified"]
    for validator, size in ((etag, 2), (modified, 2), ('"x"', 10), ("Thu, 01 Jan 1970", 10)):
        answer = http.get(path, headers={"range": "bytes=0-1", "if-range": validator})
        assert len(answer.content) == size
    past = http.get(path, headers={"range": "bytes=10-"})
    assert (past.status_code, past.headers["content-range"]) == (416, "bytes */10")
    assert "<ActualObjectSize>10</ActualObjectSize>" in past.text
    assert http.get(path, headers={"if-modified-since": modified}).status_code == 304


def test_only_our_own_client_sees_our_own_words(server: Server, bucket: str) -> None:
    with RemoteObjectStore(server.url) as remote:
        remote.put(bucket, "k", b"x")
        assert remote.head(bucket, "k") == server.objects.head(bucket, "k")
        assert remote.list(bucket) == server.objects.list(bucket)
    for path in (f"/{bucket}", f"/{bucket}/k"):
        answer = httpx.get(server.url + path, trust_env=False)
        assert "veristack" not in f"{answer.text}{answer.headers}".lower()


def test_the_server_says_who_may_enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secret_key)
    log_path = folder / "log"
    command = [sys.executable, "-m", "veristack_lab", "s3", "serve", folder / "s", "--port", "0"]
    with spawn(command, name="server", log_path=log_path) as child:
        wait_until_ready(child, lambda: "listening on " in child.log_tail())
        said = child.log_tail()
        assert f"signed: requests need the signature of access key {CREDENTIALS.access_key}" in said
        assert CREDENTIALS.secret_key not in said
        url = said.split()[2]
        with closing(client_of(url)) as client:
            client.create_bucket(
                Bucket="b-1", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        assert httpx.get(url, trust_env=False).status_code == 403
    # the server that the lab starts for its own clients, which do not sign
    with object_server(folder) as url, RemoteObjectStore(url) as remote:
        assert remote.create_bucket("b")
        assert "(open:" in (folder / "object-server.log").read_text()


# ------------------------------------------------------------------ broken connections


def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """Send, say that no more comes, and read until the server closes."""
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


CHUNKED = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("content-length: 100\r\n", b"half"),
        ("content-length: 5000000\r\n", bytes(3_000_000)),
        (
            f"{CHUNKED}x-amz-decoded-content-length: 9\r\ncontent-length: 12\r\n",
            b"5\r\nhello\r\n0\r",
        ),
        (
            f"{CHUNKED}x-amz-decoded-content-length: 9\r\ncontent-length: 15\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            f"{CHUNKED}x-amz-decoded-content-length: 3\r\ncontent-length: 15\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        ("transfer-encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
        ("content-length: -1\r\n", b""),
        ("content-length: 99999999999999999999\r\n", b""),
        ("content-length: 6000000000\r\n", b""),
        (f"x-large: {'a' * 100_000}\r\ncontent-length: 0\r\n", b""),
        ("no header at all\r\n", b""),
    ],
)
def test_half_requests_leave_nothing(
    server: Server, http: httpx.Client, bucket: str, headers: str, body: bytes
) -> None:
    head = f"PUT /{bucket}/k HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    received = exchange(server.address, head.encode() + body)
    assert not received.startswith(b"HTTP/1.1 2")
    assert http.get(f"/{bucket}/k").status_code == 404


def test_expect_100_continue(server: Server, bucket: str) -> None:
    lines = ("host: localhost", "content-length: 4", "expect: 100-continue")
    head = "\r\n".join((f"PUT /{bucket}/k HTTP/1.1", *lines, "", ""))
    with socket.create_connection(server.address, timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(b"body")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert server.objects.get(bucket, "k") == b"body"
    with socket.create_connection(address_of(server.signed_url), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 403")


def blob_files(server: Server) -> set[Path]:
    return {path for path in server.folder.joinpath("blobs").rglob("*") if path.is_file()}


def test_a_reader_that_leaves_lets_the_content_go(
    server: Server, http: httpx.Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = blob_files(server), []
    size = 64 * MIB
    http.put(f"/{bucket}/k", content=bytes(size), timeout=PATIENCE_S)
    original = ObjectReader.__next__

    def counted(reader: ObjectReader) -> bytes:
        piece = original(reader)
        read.append(len(piece))
        return piece

    monkeypatch.setattr(ObjectReader, "__next__", counted)
    with socket.create_connection(server.address, timeout=PATIENCE_S) as connection:
        connection.sendall(f"GET /{bucket}/k HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert http.delete(f"/{bucket}/k").status_code == 204
    wait_until(lambda: blob_files(server) == before)
    assert sum(read) < size  # the server does not read on for a client that has left


def test_damage_is_told(
    server: Server, http: httpx.Client, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = blob_files(server)
    for place in (100, 3 * MIB):
        http.put(f"/{bucket}/k", content=noise(4 * MIB))
        (blob,) = blob_files(server) - before
        with blob.open("r+b") as file:
            file.seek(place)
            file.write(b"damage")
        if place == 100:
            answer = http.get(f"/{bucket}/k")
            assert (answer.status_code, code_in(answer)) == (500, "InternalError")
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                http.get(f"/{bucket}/k")
            wait_until(lambda: "broken off" in caplog.text)
        http.delete(f"/{bucket}/k")


def test_memory_does_not_grow_with_the_object(server: Server, bucket: str) -> None:
    piece, count = noise(MIB), 48
    size = {"content-length": str(count * MIB)}
    tracemalloc.start()
    try:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE_S) as client:
            put = client.put(f"/{bucket}/k", content=(piece for _ in range(count)), headers=size)
            assert put.status_code == 200
            received = 0
            with client.stream("GET", f"/{bucket}/k") as answer:
                for part in answer.iter_raw():
                    received += len(part)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received == count * MIB
    assert peak_bytes < 24 * MIB
