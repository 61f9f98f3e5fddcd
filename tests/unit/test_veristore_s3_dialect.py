"""What S3's clients say besides the operations: headers, settings, versions, names, old URLs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import botocore
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.veristore import ObjectStore, RemoteObjectStore
from veristack_lab.veristore.s3 import Credentials, serve_in_thread
from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.metadata import decoded, encoded
from veristack_lab.veristore.s3.never_set import BUCKET, OBJECT
from veristack_lab.veristore.s3.request_headers import IGNORED, REFUSED, USED, refuse_unserved
from veristack_lab.veristore.s3.sigv2 import verify_presigned

CREDENTIALS = Credentials("the/key", "secret")


class Server:
    """One store, served open and signed."""

    def __init__(self, objects: ObjectStore, url: str, signed_url: str) -> None:
        self.objects, self.url, self.signed_url = objects, url, signed_url


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        quick_folder() as folder,
        veristore.open(folder / "store") as store,
        serve_in_thread(objects := ObjectStore(store)) as url,
        serve_in_thread(objects, credentials=CREDENTIALS) as signed_url,
    ):
        yield Server(objects, url, signed_url)


@pytest.fixture(scope="module")
def s3(server: Server) -> Iterator[Any]:
    with closing(client_of(server.signed_url)) as client:
        yield client


def client_of(url: str, **config: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        config=Config(retries={"max_attempts": 0}, **config),
    )


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


@pytest.fixture
def bucket(server: Server, unique_name: str) -> str:
    server.objects.create_bucket(unique_name)
    server.objects.put(unique_name, "k", b"content")
    return unique_name


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


# ------------------------------------------------------------------ headers


def documented_headers() -> set[str]:
    """The request headers of every operation of S3, as botocore's description has them."""
    path = Path(botocore.__file__).parent / "data/s3/2006-03-01/service-2.json.gz"
    model = json.loads(gzip.decompress(path.read_bytes()))
    inputs = [
        model["shapes"][operation["input"]["shape"]]
        for operation in model["operations"].values()
        if "input" in operation
    ]
    return {
        member["locationName"].lower()
        for shape in inputs
        for member in shape["members"].values()
        if member.get("location") == "header"
    }


def test_every_documented_header_has_a_line_in_the_table() -> None:
    headers = {name for name in documented_headers() if name.startswith("x-amz-")}
    assert len(headers) > 80
    unknown = {
        name
        for name in headers - USED - set(IGNORED)
        if not any(name.startswith(line) for line in REFUSED)
        and not name.startswith("x-amz-checksum-")  # refused where they are read
    }
    assert unknown == set()
    assert not USED & set(IGNORED)
    assert not (USED | set(IGNORED)) & set(REFUSED)


@pytest.mark.parametrize("name", [*IGNORED, "x-amz-id-2", "x-amz-new-in-2031", "x-amzn-trace-id"])
def test_headers_that_change_nothing_are_ignored(
    http: httpx.Client, bucket: str, name: str
) -> None:
    headers = {name: "1"}
    assert http.get(f"/{bucket}/k", headers=headers).content == b"content"
    assert http.put(f"/{bucket}/new", content=b"x", headers=headers).status_code == 200
    assert http.delete(f"/{bucket}/new", headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-object-ownership", "ObjectWriter"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-customer-key", "k"),
        ("x-amz-server-side-encryption-new-in-2031", "k"),
        ("x-amz-copy-source-server-side-encryption-customer-key", "k"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-object-lock-legal-hold", "ON"),
        ("x-amz-bucket-object-lock-enabled", "true"),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-website-redirect-location", "/"),
        ("x-amz-if-match-size", "7"),
        ("x-amz-rename-source-if-match", "x"),
        ("x-amz-write-offset-bytes", "7"),
        ("x-amz-fwd-status", "200"),
    ],
)
def test_headers_that_would_change_something_are_refused_by_name(
    http: httpx.Client, bucket: str, name: str, value: str
) -> None:
    answer = http.put(f"/{bucket}/k", content=b"changed", headers={name: value})
    assert (answer.status_code, f"the header {name}" in answer.text) == (501, True)
    assert http.get(f"/{bucket}/k").content == b"content"
    with pytest.raises(S3Error, match=name):
        refuse_unserved({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in REFUSED.items() for value in sorted(values)],
)
def test_values_that_change_nothing_are_taken(
    http: httpx.Client, bucket: str, name: str, value: str
) -> None:
    assert http.put(f"/{bucket}/new", content=b"x", headers={name: value}).status_code == 200


def test_headers_in_the_place_of_parameters_mean_the_same(http: httpx.Client, bucket: str) -> None:
    """As the JavaScript SDK signs URLs."""
    wrong = http.put(f"/{bucket}/new?x-amz-checksum-crc32=AAAAAA%3D%3D", content=b"x")
    assert (wrong.status_code, "BadDigest" in wrong.text) == (400, True)
    noted = http.put(f"/{bucket}/new?x-amz-meta-n=1&X-Amz-Security-Token=t", content=b"x")
    assert noted.status_code == 200
    assert http.head(f"/{bucket}/new").headers["x-amz-meta-n"] == "1"
    assert http.put(f"/{bucket}/new?x-amz-acl=public-read", content=b"x").status_code == 501
    broken = http.put(f"/{bucket}/new?x-amz-meta-n=a%0d%0ab", content=b"x")
    assert (broken.status_code, "InvalidArgument" in broken.text) == (400, True)


def test_a_web_page_cannot_delete_by_a_checksum_in_the_url(http: httpx.Client, bucket: str) -> None:
    """It may send such a POST without being asked, but no header of its own."""
    body = b"<Delete><Object><Key>k</Key></Object></Delete>"
    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    for parameters in (
        {"x-amz-checksum-sha256": sha256},
        {"content-md5": md5, "AWSAccessKeyId": "x"},
    ):
        answer = http.post(f"/{bucket}?delete", params={"delete": "", **parameters}, content=body)
        assert (answer.status_code, "InvalidRequest" in answer.text) == (400, True)
    assert http.get(f"/{bucket}/k").content == b"content"
    sent = {"x-amz-checksum-sha256": sha256}
    assert http.post(f"/{bucket}?delete", headers=sent, content=body).status_code == 200
    assert http.get(f"/{bucket}/k").status_code == 404


# ------------------------------------------------------------------ settings that were never made


def test_settings_of_a_bucket(s3: Any, http: httpx.Client, bucket: str) -> None:
    b = {"Bucket": bucket}
    assert "Status" not in s3.get_bucket_versioning(**b)
    assert s3.get_bucket_acl(**b)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_request_payment(**b)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(**b)
    assert "Status" not in s3.get_bucket_accelerate_configuration(**b)
    assert s3.list_bucket_metrics_configurations(**b)["IsTruncated"] is False
    assert s3.get_bucket_ownership_controls(**b)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    for call, code in (
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_policy_status, "NoSuchBucketPolicy"),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError"),
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        (s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
    ):
        assert code_of(call, **b) == code
    for name in BUCKET:
        assert http.get(f"/{bucket}?{name}").status_code in (200, 404)
        assert http.get(f"/no-{bucket}?{name}").text.count("NoSuchBucket<") == 1
    assert code_of(s3.get_bucket_metrics_configuration, **b, Id="1") == "NoSuchConfiguration"


def test_settings_of_a_bucket_are_removed_but_never_made(
    s3: Any, http: httpx.Client, bucket: str
) -> None:
    b = {"Bucket": bucket}
    for call in (s3.delete_bucket_policy, s3.delete_bucket_cors, s3.delete_bucket_lifecycle):
        assert call(**b)["ResponseMetadata"]["HTTPStatusCode"] == 204
    for name in BUCKET:
        made = http.put(f"/{bucket}?{name}", content=b"<x/>")
        assert (made.status_code, name in made.text or name == "acl") == (501, True)
        http.delete(f"/{bucket}?{name}")
        assert http.post(f"/{bucket}?{name}").status_code == 501
    assert http.get(f"/{bucket}/k").content == b"content", "the bucket is still there"
    assert http.put(f"/{bucket}?acl", headers={"x-amz-acl": "private"}).status_code == 200
    assert code_of(s3.put_bucket_acl, **b, ACL="public-read") == "NotImplemented"


def test_settings_of_an_object(s3: Any, http: httpx.Client, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    assert s3.get_object_tagging(**where)["TagSet"] == []
    assert s3.get_object_tagging(**where, VersionId="null")["VersionId"] == "null"
    assert s3.get_object_acl(**where)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert code_of(s3.get_object_retention, **where) == "InvalidRequest"
    assert code_of(s3.get_object_legal_hold, **where) == "InvalidRequest"
    assert s3.delete_object_tagging(**where)["ResponseMetadata"]["HTTPStatusCode"] == 204
    s3.put_object_tagging(**where, Tagging={"TagSet": []})
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    assert code_of(s3.put_object_tagging, **where, Tagging=tags) == "NotImplemented"
    assert http.put(f"/{bucket}/k?tagging", content=b"<Tagging/>").status_code == 400
    s3.put_object_acl(**where, ACL="private")
    for name in OBJECT:
        assert "NoSuchKey" in http.get(f"/{bucket}/no?{name}").text
    assert "NoSuchKey" in http.put(f"/{bucket}/no?acl", headers={"x-amz-acl": "private"}).text
    assert http.get(f"/{bucket}/k").content == b"content"


def test_the_only_version_is_null(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    assert s3.get_object(**where, VersionId="null")["VersionId"] == "null"
    assert "VersionId" not in s3.head_object(**where)
    assert code_of(s3.get_object, **where, VersionId="x") == "NoSuchVersion"
    source = {**where, "VersionId": "null"}
    s3.copy_object(Bucket=bucket, Key="a/1", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="a/2", CopySource=source)
    pages = list(
        s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": 2}
        )
    )
    versions = [version for page in pages for version in page["Versions"]]
    assert [version["Key"] for version in versions] == ["a/1", "a/2", "k"]
    assert {(v["VersionId"], v["IsLatest"]) for v in versions} == {("null", True)}
    tops = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [common["Prefix"] for common in tops["CommonPrefixes"]] == ["a/"]
    doomed = [{"Key": "a/1", "VersionId": "null"}, {"Key": "k", "VersionId": "x"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})
    assert answer["Deleted"] == [{"Key": "a/1", "VersionId": "null"}]
    assert [error["Code"] for error in answer["Errors"]] == ["NoSuchVersion"]
    assert code_of(s3.delete_object, **where, VersionId="x") == "NoSuchVersion"
    assert s3.delete_object(**where, VersionId="null")["VersionId"] == "null"
    left = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in left] == ["a/2"]


# ------------------------------------------------------------------ listings


def test_owners_are_told_where_s3_tells_them(s3: Any, bucket: str) -> None:
    (plain,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    (owned,) = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"]
    (first,) = s3.list_objects(Bucket=bucket)["Contents"]
    assert "Owner" not in plain
    assert owned["Owner"] == first["Owner"] == s3.list_buckets()["Owner"]


def test_an_empty_continuation_token_is_the_beginning(s3: Any, bucket: str) -> None:
    found = s3.list_objects_v2(Bucket=bucket, ContinuationToken="")
    assert ([entry["Key"] for entry in found["Contents"]], found["ContinuationToken"]) == (
        ["k"],
        "",
    )


def test_pages_of_buckets(server: Server, s3: Any, unique_name: str) -> None:
    names = [f"{unique_name}-{letter}" for letter in "abc"]
    for name in reversed(names):
        server.objects.create_bucket(name)
    pages = list(
        s3.get_paginator("list_buckets").paginate(
            Prefix=unique_name, PaginationConfig={"PageSize": 2}
        )
    )
    assert [[found["Name"] for found in page["Buckets"]] for page in pages] == [
        names[:2],
        names[2:],
    ]
    assert pages[0]["Prefix"] == unique_name
    assert pages[0]["Buckets"][0]["BucketRegion"] == "us-east-1"
    assert s3.list_buckets(BucketRegion="eu-central-1")["Buckets"] == []
    assert names[0] in [found["Name"] for found in s3.list_buckets()["Buckets"]]


# ------------------------------------------------------------------ metadata


@pytest.mark.parametrize("value", ["ü", "日本語 text", "\U0001f600", "a b", "=?UTF-8?B?aGk=?=", ""])
def test_metadata_of_any_text(server: Server, bucket: str, value: str) -> None:
    with RemoteObjectStore(server.url) as remote:
        for objects in (server.objects, remote):
            objects.put(bucket, "noted", b"", metadata={"n": value})
            assert remote.head(bucket, "noted").metadata == {"n": value}
            assert server.objects.head(bucket, "noted").metadata == {"n": value}
            assert remote.list(bucket, "noted") == [server.objects.head(bucket, "noted")]


def test_metadata_is_told_in_encoded_words_and_taken_in_either_form(
    http: httpx.Client, bucket: str
) -> None:
    path, told = f"/{bucket}/noted", "=?UTF-8?B?w7xiZXI=?="
    for sent in ("über".encode(), b"=?UTF-8?B?w7xiZXI=?=", b"=?utf-8?q?=C3=BCber?="):
        assert http.put(path, headers={b"x-amz-meta-n": sent}).status_code == 200
        assert http.head(path).headers["x-amz-meta-n"] == told
    refused = http.put(path, headers={b"x-amz-meta-n": "über".encode("latin-1")})
    assert (refused.status_code, "InvalidArgument" in refused.text) == (400, True)
    hidden = http.put(path, headers={"x-amz-meta-n": "=?UTF-8?Q?a=0D=0Ab?="})
    assert (hidden.status_code, "InvalidArgument" in hidden.text) == (400, True)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("plain", "plain"),
        ("=?UTF-8?Q?a_b?=", "a b"),
        ("=?iso-8859-1?Q?=FC?=", "ü"),
        ("=?utf-8?b?w7w=?= =?utf-8?b?w7w=?=", "üü"),
        ("x =?utf-8?b?w7w=?= y", "x ü y"),
        ("=?utf-8?b?w7w?=", "=?utf-8?b?w7w?="),
        ("=?utf-8?b?/w==?=", "=?utf-8?b?/w==?="),
        ("=?utf-7?q?x?=", "=?utf-7?q?x?="),
        ("=?utf-8?q?=ZZ?=", "=ZZ"),
    ],
)
def test_encoded_words(header: str, value: str) -> None:
    assert decoded(header) == value
    assert decoded(encoded(value)) == value


# ------------------------------------------------------------------ Signature Version 2


def test_urls_of_version_2_are_served(server: Server, s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "a ü/+%"}
    sign = s3.generate_presigned_url
    put = sign("put_object", Params={**where, "ContentType": "text/x", "Metadata": {"n": "1"}})
    assert "AWSAccessKeyId" in put
    assert httpx.put(put, content=b"content", trust_env=False).status_code == 200
    get = sign("get_object", Params={**where, "ResponseContentDisposition": 'a; filename="b c"'})
    found = httpx.get(get, trust_env=False)
    assert found.content == b"content"
    assert found.headers["content-type"] == "text/x"
    assert found.headers["x-amz-meta-n"] == "1"
    assert found.headers["content-disposition"] == 'a; filename="b c"'
    ranged = httpx.get(get, headers={"range": "bytes=1-2"}, trust_env=False)
    assert ranged.content == b"on"
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = sign("upload_part", Params={**where, "UploadId": upload, "PartNumber": 1})
    assert httpx.put(part, content=b"x", trust_env=False).status_code == 200
    assert httpx.delete(sign("delete_object", Params=where), trust_env=False).status_code == 204
    # an open server has no use for a signature
    opened = get.replace(server.signed_url, server.url)
    assert httpx.get(opened, trust_env=False).status_code == 404


def test_urls_of_version_2_that_were_changed(server: Server, s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    url = s3.generate_presigned_url("get_object", Params=where)
    assert httpx.get(url, trust_env=False).content == b"content"
    expires = url.rpartition("Expires=")[2]
    for changed, code in (
        (url.replace("/k?", "/other?"), "SignatureDoesNotMatch"),
        (url.replace(expires, str(int(expires) + 1)), "SignatureDoesNotMatch"),
        (url.replace(expires, "tomorrow"), "AccessDenied"),
        (url.replace("Signature=", "Signature=x"), "SignatureDoesNotMatch"),
        (url.replace("Signature=", "x="), "AccessDenied"),
        (url.replace(quote("the/key", safe=""), "another"), "InvalidAccessKeyId"),
        (url + "&response-content-type=text/html", "SignatureDoesNotMatch"),
        (url + "&tagging", "SignatureDoesNotMatch"),
        (url + "&x-amz-meta-n=1", "SignatureDoesNotMatch"),
        (url + "&prefix=a", "AccessDenied"),
        (url + "&Expires=99999999999", ""),
    ):
        answer = httpx.get(changed, trust_env=False)
        assert (f"<Code>{code}</Code>" in answer.text) == bool(code), (changed, answer.text)
    for other in (httpx.head, httpx.delete, httpx.put):
        assert other(url, trust_env=False).status_code == 403
    noted = httpx.get(url, headers={"x-amz-checksum-mode": "ENABLED"}, trust_env=False)
    assert "SignatureDoesNotMatch" in noted.text
    listing = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
    answer = httpx.get(listing, trust_env=False)
    assert (answer.status_code, "s3v4" in answer.text) == (403, True)
    header = {"authorization": "AWS the/key:x"}
    answer = httpx.get(f"{server.signed_url}/{bucket}/k", headers=header, trust_env=False)
    assert (answer.status_code, "AWS4-HMAC-SHA256" in answer.text) == (400, True)


def test_urls_of_version_2_expire(s3: Any, bucket: str) -> None:
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    _, _, rest = url.partition("//")
    host, _, path = rest.partition("/")
    path, _, query = f"/{path}".partition("?")
    request = SignableRequest("GET", path.encode(), query.encode(), {"host": host})
    now_s = time.time()
    verify_presigned(request, CREDENTIALS.access_key, CREDENTIALS.secret_key, now_s)
    with pytest.raises(S3Error, match="expired"):
        verify_presigned(request, CREDENTIALS.access_key, CREDENTIALS.secret_key, now_s + 7200)
