"""Operations on buckets.

A bucket may have any name of 1 to 255 bytes in UTF-8 without a slash: every name that S3 allows is
valid here, and some others are. A client that will also use S3 keeps to S3's names (3 to 63
lower-case letters, digits, dots and dashes).
"""

from __future__ import annotations

from urllib.parse import quote

from veristack_lab.errors import BucketNotFound
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.owner import OWNER
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.tokens import after_token, token_after
from veristack_lab.veristore.s3.xml import MAX_XML_BYTES, Children, moment, parse

REGION = "us-east-1"
MAX_LISTED = 10_000


def list_buckets(objects: ObjectStore, request: S3Request) -> Answer:
    """ListBuckets: all of them, or page by page if `max-buckets` is given."""
    request.allow_query("max-buckets", "continuation-token", "prefix", "bucket-region")
    limit = request.number("max-buckets", MAX_LISTED, largest=MAX_LISTED)
    if request.query.get("max-buckets") and not limit:
        raise S3Error("InvalidArgument", f"max-buckets is 1 to {MAX_LISTED}")
    prefix, token = (request.query.get(name, "") for name in ("prefix", "continuation-token"))
    after = after_token(token) if token else ""
    is_here = request.query.get("bucket-region", REGION) == REGION
    rest = [
        name
        for name in (objects.buckets() if is_here else ())
        if name.startswith(prefix) and name.encode() > after.encode()
    ]
    is_paged = "max-buckets" in request.query
    page = rest[:limit] if is_paged else rest
    # S3 returns the region only if a parameter was given
    region = [("BucketRegion", REGION)] if request.query else []
    described = [
        ("Bucket", [*found, *region]) for name in page if (found := _described(objects, name))
    ]
    children: list[tuple[str, str | Children]] = [OWNER, ("Buckets", described)]
    if len(page) < len(rest):
        children.append(("ContinuationToken", token_after(page[-1])))
    if prefix:
        children.append(("Prefix", prefix))
    return xml_answer("ListAllMyBucketsResult", children)


def _described(objects: ObjectStore, name: str) -> list[tuple[str, str]]:
    """A bucket's entry in a listing; empty if it was deleted meanwhile."""
    try:
        created_ms = objects.bucket_created_ms(name)
    except BucketNotFound:
        return []
    return [("Name", name), ("CreationDate", moment(created_ms))]


def create_bucket(objects: ObjectStore, request: S3Request) -> Answer:
    """CreateBucket. A location is accepted and ignored: there is one region."""
    request.allow_query()
    if body := request.body.read(MAX_XML_BYTES):
        wanted = parse(body, "CreateBucketConfiguration")
        if wanted.find("Tags/Tag") is not None:
            raise not_implemented("tagging of buckets")
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
