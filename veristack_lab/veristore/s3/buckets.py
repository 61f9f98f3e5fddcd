"""Operations on buckets."""

from __future__ import annotations

from urllib.parse import quote

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.xml import MAX_XML_BYTES, moment, parse

REGION = "us-east-1"
_OWNER = ("Owner", [("ID", "veristack"), ("DisplayName", "veristack")])


def list_buckets(objects: ObjectStore, request: S3Request) -> Answer:
    """ListBuckets, all of them at once."""
    request.allow_query()
    buckets = [
        (
            "Bucket",
            [("Name", name), ("CreationDate", moment(objects.bucket_created_ms(name)))],
        )
        for name in objects.buckets()
    ]
    return xml_answer("ListAllMyBucketsResult", [_OWNER, ("Buckets", buckets)])


def create_bucket(objects: ObjectStore, request: S3Request) -> Answer:
    """CreateBucket. A location is taken and means nothing: there is one region."""
    request.allow_query()
    for header in ("x-amz-bucket-object-lock-enabled", "x-amz-object-ownership"):
        if header in request.headers:
            raise not_implemented(f"the header {header}")
    if body := request.body.read(MAX_XML_BYTES):
        parse(body, "CreateBucketConfiguration")
    if not objects.create_bucket(request.bucket):
        raise S3Error("BucketAlreadyOwnedByYou", f"the bucket {request.bucket!r} is there already")
    return Answer(headers={"location": "/" + quote(request.bucket)})


def head_bucket(objects: ObjectStore, request: S3Request) -> Answer:
    """HeadBucket."""
    request.allow_query()
    objects.head_bucket(request.bucket)
    return Answer(headers={"x-amz-bucket-region": REGION})


def delete_bucket(objects: ObjectStore, request: S3Request) -> Answer:
    """DeleteBucket: an empty one."""
    request.allow_query()
    objects.delete_bucket(request.bucket)
    return Answer(status=204)


def get_location(objects: ObjectStore, request: S3Request) -> Answer:
    """GetBucketLocation: empty, which is how S3 writes us-east-1."""
    request.allow_query("location")
    objects.head_bucket(request.bucket)
    return xml_answer("LocationConstraint", [])
