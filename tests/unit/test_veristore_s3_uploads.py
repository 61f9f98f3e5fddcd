"""Checksums and sizes of objects in parts and of copies, through boto3 and by hand."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.kernels.crc64nvme import crc64nvme
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.s3 import Credentials, serve_in_thread

CREDENTIALS = Credentials("key", "secret")
PART_BYTES = 8
PARTS = (b"12345678", b"abcdefghij", b"z")
CONTENT = b"".join(PARTS)
WHERE = {"Bucket": "b", "Key": "k"}
FUNCTIONS = {"CRC32": (zlib.crc32, 4), "CRC32C": (crc32c, 4), "CRC64NVME": (crc64nvme, 8)}


def base64_of(algorithm: str, content: bytes) -> str:
    """Computed here a second time."""
    if algorithm in FUNCTIONS:
        function, width = FUNCTIONS[algorithm]
        digest = function(content).to_bytes(width, "big")
    else:
        digest = hashlib.new(algorithm.lower(), content).digest()
    return base64.b64encode(digest).decode()


def composite_of(algorithm: str) -> str:
    return base64_of(
        algorithm, b"".join(base64.b64decode(base64_of(algorithm, part)) for part in PARTS)
    )


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with (
        quick_folder() as folder,
        veristore.open(folder / "store") as store,
        serve_in_thread(ObjectStore(store, min_part_bytes=PART_BYTES)) as url,
    ):
        yield url


@pytest.fixture(scope="module")
def s3(url: str) -> Iterator[Any]:
    with closing(
        boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}),
        )
    ) as client:
        client.create_bucket(Bucket="b")
        yield client


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


class Upload:
    """An upload whose parts were sent by hand, with the checksums that boto3 cannot make."""

    def __init__(self, s3: Any, http: httpx.Client, algorithm: str = "", kind: str = "") -> None:
        choice = {"ChecksumAlgorithm": algorithm} if algorithm else {}
        if kind:
            choice["ChecksumType"] = kind
        self.started = s3.create_multipart_upload(**WHERE, **choice)
        self.where = {**WHERE, "UploadId": self.started["UploadId"]}
        self._s3 = s3
        path = f"/b/k?uploadId={self.started['UploadId']}&partNumber="
        self.named: list[dict[str, Any]] = []
        for number, part in enumerate(PARTS, 1):
            sent = {}
            if algorithm:
                sent = {f"x-amz-checksum-{algorithm.lower()}": base64_of(algorithm, part)}
            answer = http.put(path + str(number), content=part, headers=sent)
            assert answer.status_code == 200
            self.named.append({"PartNumber": number, "ETag": answer.headers["etag"]})

    def complete(self, **more: Any) -> dict[str, Any]:
        parts = {"MultipartUpload": {"Parts": self.named}}
        found: dict[str, Any] = self._s3.complete_multipart_upload(**self.where, **parts, **more)
        return found


KINDS = [
    *((name, "COMPOSITE") for name in ("CRC32", "CRC32C", "SHA1", "SHA256")),
    *((name, "FULL_OBJECT") for name in FUNCTIONS),
]


@pytest.mark.parametrize(("algorithm", "kind"), KINDS)
def test_an_object_in_parts_has_the_checksum_that_its_upload_chose(
    s3: Any, http: httpx.Client, algorithm: str, kind: str
) -> None:
    upload = Upload(s3, http, algorithm, kind)
    assert (upload.started["ChecksumAlgorithm"], upload.started["ChecksumType"]) == (
        algorithm,
        kind,
    )
    for answer in (
        s3.list_parts(**upload.where),
        s3.list_multipart_uploads(Bucket="b")["Uploads"][0],
    ):
        assert (answer["ChecksumAlgorithm"], answer["ChecksumType"]) == (algorithm, kind)
    plain = composite_of(algorithm) if kind == "COMPOSITE" else base64_of(algorithm, CONTENT)
    wanted = f"{plain}-3" if kind == "COMPOSITE" else plain
    name = f"Checksum{algorithm}"
    wrong = base64_of(algorithm, b"other")
    assert code_of(upload.complete, **{name: wrong}) == "BadDigest"
    assert code_of(upload.complete, **{name: f"{plain}-2"}) == "BadDigest"
    assert code_of(upload.complete, ChecksumType=other(kind)) == "InvalidRequest"
    done = upload.complete(**{name: wanted, "ChecksumType": kind, "MpuObjectSize": len(CONTENT)})
    assert (done[name], done["ChecksumType"]) == (wanted, kind)
    again = upload.complete(**{name: plain})
    assert again["ETag"] == done["ETag"], "the same completion, its checksum without a count"
    assert code_of(upload.complete, **{name: wrong}) == "BadDigest", "and still not a wrong one"
    head = s3.head_object(**WHERE, ChecksumMode="ENABLED")
    assert (head[name], head["ChecksumType"]) == (wanted, kind)
    assert s3.get_object(**WHERE)["Body"].read() == CONTENT


def other(kind: str) -> str:
    return "FULL_OBJECT" if kind == "COMPOSITE" else "COMPOSITE"


@pytest.mark.parametrize(
    "choice",
    [
        {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"},
        {"ChecksumType": "COMPOSITE"},
        {"ChecksumAlgorithm": "CRC32", "ChecksumType": "NONE"},
    ],
)
def test_kinds_that_an_algorithm_has_not_are_refused(s3: Any, choice: dict[str, str]) -> None:
    assert code_of(s3.create_multipart_upload, **WHERE, **choice) == "InvalidRequest"
    assert s3.create_multipart_upload(**WHERE, ChecksumAlgorithm="CRC64NVME")["ChecksumType"] == (
        "FULL_OBJECT"
    )


def test_a_part_has_the_algorithm_of_its_upload(s3: Any, http: httpx.Client) -> None:
    upload_id = s3.create_multipart_upload(**WHERE, ChecksumAlgorithm="SHA256")["UploadId"]
    path = f"/b/k?uploadId={upload_id}&partNumber=1"
    sent = {"x-amz-checksum-sha1": base64_of("SHA1", b"x")}
    answer = http.put(path, content=b"x", headers=sent)
    assert (answer.status_code, "<Code>InvalidRequest</Code>" in answer.text) == (400, True)
    assert "expected checksum Type: sha256, actual checksum Type: sha1" in answer.text
    assert s3.list_parts(**WHERE, UploadId=upload_id).get("Parts") is None, "nothing was stored"
    plain = http.put(path, content=b"x")  # without one the server computes it
    assert plain.headers["x-amz-checksum-sha256"] == base64_of("SHA256", b"x")
    s3.put_object(Bucket="b", Key="source", Body=b"copied")
    copied = s3.upload_part_copy(
        **WHERE, UploadId=upload_id, PartNumber=2, CopySource={"Bucket": "b", "Key": "source"}
    )
    assert copied["CopyPartResult"]["ChecksumSHA256"] == base64_of("SHA256", b"copied")


def test_a_completion_is_held_to_its_size_and_its_parts(s3: Any, http: httpx.Client) -> None:
    upload = Upload(s3, http, "CRC32")
    assert code_of(upload.complete, MpuObjectSize=7) == "InvalidRequest"
    assert code_of(upload.complete, ChecksumSHA256=base64_of("SHA256", b"")) == "InvalidRequest"
    path = f"/b/k?uploadId={upload.started['UploadId']}"
    sha1 = base64_of("SHA1", PARTS[0])
    for content, headers, code in (
        (
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part>"
            b"</CompleteMultipartUpload>",
            {},
            "MalformedXML",
        ),
        (completion(upload), {"x-amz-mp-object-size": "x"}, "InvalidRequest"),
        (completion(upload), {"x-amz-checksum-crc32": "x"}, "InvalidRequest"),
        (completion(upload), {"x-amz-checksum-crc32": "AAAAAA==-x"}, "InvalidRequest"),
        (completion(upload), {"x-amz-checksum-type": "x"}, "InvalidRequest"),
        (completion(upload), {"x-amz-checksum-xxhash3": "x"}, "NotImplemented"),
        (
            completion(upload, f"<ChecksumSHA1>{sha1}</ChecksumSHA1>"),
            {},
            "InvalidPart",
        ),
    ):
        answer = http.post(path, content=content, headers=headers)
        assert f"<Code>{code}</Code>" in answer.text, answer.text
    assert s3.list_parts(**upload.where)["Parts"], "the upload is still open"
    assert upload.complete(MpuObjectSize=len(CONTENT))["ChecksumType"] == "COMPOSITE"


def completion(upload: Upload, more: str = "") -> bytes:
    first = upload.named[0]
    part = f"<PartNumber>1</PartNumber><ETag>{first['ETag']}</ETag>{more}"
    return f"<CompleteMultipartUpload><Part>{part}</Part></CompleteMultipartUpload>".encode()


def test_an_upload_without_a_checksum_takes_that_of_all_its_parts(
    s3: Any, http: httpx.Client
) -> None:
    upload = Upload(s3, http)
    crc = base64_of("CRC32", CONTENT)
    assert code_of(upload.complete, ChecksumCRC32=crc) == "InvalidRequest", "not known, not OK"
    path = f"/b/k?uploadId={upload.started['UploadId']}&partNumber="
    for number, part in enumerate(PARTS, 1):
        sent = {"x-amz-checksum-crc32": base64_of("CRC32", part)}
        http.put(path + str(number), content=part, headers=sent)
    full = {"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT"}
    assert upload.complete(**full)["ChecksumCRC32"] == crc


def test_a_copy_may_get_another_checksum_and_so_may_the_object_itself(s3: Any) -> None:
    s3.put_object(**WHERE, Body=b"abc", ContentType="text/x", Metadata={"n": "1"})
    source = {"Bucket": "b", "Key": "k"}
    made = s3.copy_object(Bucket="b", Key="c", CopySource=source, ChecksumAlgorithm="SHA256")
    assert made["CopyObjectResult"]["ChecksumSHA256"] == base64_of("SHA256", b"abc")
    assert "ChecksumCRC32" not in made["CopyObjectResult"]
    assert code_of(s3.copy_object, **WHERE, CopySource=source) == "InvalidRequest"
    s3.copy_object(**WHERE, CopySource=source, ChecksumAlgorithm="CRC64NVME")
    head = s3.head_object(**WHERE, ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == base64_of("CRC64NVME", b"abc")
    assert (head["ContentType"], head["Metadata"]) == ("text/x", {"n": "1"})
    same = {"CopySource": source, "ChecksumAlgorithm": "CRC64NVME"}
    assert code_of(s3.copy_object, **WHERE, **same) == "InvalidRequest", "it would change nothing"
    other_ = {"CopySource": source, "ChecksumAlgorithm": "XXHASH3"}
    assert code_of(s3.copy_object, **WHERE, **other_) == "NotImplemented"


def test_a_copy_onto_itself_makes_a_composite_checksum_a_full_one(
    s3: Any, http: httpx.Client
) -> None:
    Upload(s3, http, "SHA256").complete()
    made = s3.copy_object(**WHERE, CopySource=WHERE, ChecksumAlgorithm="SHA256")
    assert made["CopyObjectResult"]["ChecksumSHA256"] == base64_of("SHA256", CONTENT)


def test_parts_are_read_one_by_one(s3: Any, http: httpx.Client) -> None:
    Upload(s3, http, "CRC32").complete()
    for number, part in enumerate(PARTS, 1):
        found = s3.get_object(**WHERE, PartNumber=number)
        assert (found["Body"].read(), found["PartsCount"]) == (part, 3)
        head = s3.head_object(**WHERE, PartNumber=number, ChecksumMode="ENABLED")
        assert (head["ContentLength"], head["PartsCount"]) == (len(part), 3)
        assert head["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert "ChecksumCRC32" not in head, "that is the object's"
    start = len(PARTS[0])
    assert s3.head_object(**WHERE, PartNumber=2)["ContentRange"] == f"bytes {start}-17/19"
    assert code_of(s3.get_object, **WHERE, PartNumber=4) == "InvalidPartNumber"
    assert code_of(s3.head_object, **WHERE, PartNumber=4) == "416"
    s3.put_object(Bucket="b", Key="one", Body=b"abc")
    one = s3.get_object(Bucket="b", Key="one", PartNumber=1)
    assert (one["Body"].read(), "PartsCount" in one) == (b"abc", False)
    s3.put_object(Bucket="b", Key="empty", Body=b"")
    assert s3.get_object(Bucket="b", Key="empty", PartNumber=1)["Body"].read() == b""


def test_attributes(s3: Any, http: httpx.Client) -> None:
    names = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    upload = Upload(s3, http, "CRC32", "FULL_OBJECT")
    etag = upload.complete()["ETag"].strip('"')
    found = s3.get_object_attributes(**WHERE, ObjectAttributes=names, MaxParts=2)
    assert (found["ETag"], found["ObjectSize"], found["StorageClass"]) == (etag, 19, "STANDARD")
    crc = base64_of("CRC32", CONTENT)
    assert found["Checksum"] == {"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT"}
    parts = found["ObjectParts"]
    assert (parts["TotalPartsCount"], parts["IsTruncated"]) == (3, True)
    assert [part["Size"] for part in parts["Parts"]] == [8, 10]
    rest = s3.get_object_attributes(
        **WHERE, ObjectAttributes=names, PartNumberMarker=parts["NextPartNumberMarker"]
    )["ObjectParts"]
    assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([3], False)
    s3.put_object(Bucket="b", Key="one", Body=b"abc")
    plain = s3.get_object_attributes(
        Bucket="b", Key="one", ObjectAttributes=["ObjectParts", "ETag"]
    )
    assert (set(plain) & set(names), "LastModified" in plain) == ({"ETag"}, True)


def test_uploads_are_listed_by_folders(s3: Any) -> None:
    s3.create_bucket(Bucket="uploads")
    for key in ("a/1", "a/2", "b", "c/1", "d"):
        s3.create_multipart_upload(Bucket="uploads", Key=key)
    entries: list[str] = []
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket="uploads", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    for page in pages:
        entries += [upload["Key"] for upload in page.get("Uploads", [])]
        entries += [common["Prefix"] for common in page.get("CommonPrefixes", [])]
    assert entries == ["a/", "b", "c/", "d"]
    inside = s3.list_multipart_uploads(Bucket="uploads", Delimiter="/", Prefix="a/")
    assert [upload["Key"] for upload in inside["Uploads"]] == ["a/1", "a/2"]
    assert inside["Uploads"][0]["Owner"] == inside["Uploads"][0]["Initiator"]
