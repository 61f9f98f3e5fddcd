"""Settings of buckets and objects that this server lacks: queries answer "never set".

S3 has an answer for each setting that was never made, an empty document or an error of its own,
and clients ask on the way to something else (before they copy tags, empty a bucket, ...). So
they get that answer. Removing such a setting succeeds. Making one is refused by name.

Source: S3 API Reference, the Get operation of each setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.owner import ACCESS
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.versions import version_headers
from veristack_lab.veristore.s3.xml import MAX_XML_BYTES, Children, parse


@dataclass(frozen=True)
class Empty:
    """Answered with a document."""

    root: str
    children: Children = ()


@dataclass(frozen=True)
class Missing:
    """Answered with an error."""

    code: str
    message: str


NeverSet = Empty | Missing
_LAST_PAGE: Children = [("IsTruncated", "false")]
_NO_LOCKS = Missing("InvalidRequest", "Bucket is missing Object Lock Configuration")

BUCKET: Mapping[str, NeverSet] = {
    "abac": Empty("AbacStatus", [("Status", "Disabled")]),
    "accelerate": Empty("AccelerateConfiguration"),
    "acl": Empty("AccessControlPolicy", ACCESS),
    "analytics": Empty("ListBucketAnalyticsConfigurationResult", _LAST_PAGE),
    "cors": Missing("NoSuchCORSConfiguration", "the CORS configuration does not exist"),
    "encryption": Missing(
        "ServerSideEncryptionConfigurationNotFoundError",
        "the server side encryption configuration was not found",
    ),
    "intelligent-tiering": Empty("ListBucketIntelligentTieringConfigurationsOutput", _LAST_PAGE),
    "inventory": Empty("ListInventoryConfigurationsResult", _LAST_PAGE),
    "lifecycle": Missing(
        "NoSuchLifecycleConfiguration", "the lifecycle configuration does not exist"
    ),
    "logging": Empty("BucketLoggingStatus"),
    "metrics": Empty("ListMetricsConfigurationsResult", _LAST_PAGE),
    "notification": Empty("NotificationConfiguration"),
    "object-lock": Missing(
        "ObjectLockConfigurationNotFoundError",
        "object lock configuration does not exist for this bucket",
    ),
    "ownershipControls": Empty(
        "OwnershipControls", [("Rule", [("ObjectOwnership", "BucketOwnerEnforced")])]
    ),
    "policy": Missing("NoSuchBucketPolicy", "the bucket policy does not exist"),
    "policyStatus": Missing("NoSuchBucketPolicy", "the bucket policy does not exist"),
    "publicAccessBlock": Missing(
        "NoSuchPublicAccessBlockConfiguration",
        "the public access block configuration was not found",
    ),
    "replication": Missing(
        "ReplicationConfigurationNotFoundError", "the replication configuration was not found"
    ),
    "requestPayment": Empty("RequestPaymentConfiguration", [("Payer", "BucketOwner")]),
    "tagging": Missing("NoSuchTagSet", "the TagSet does not exist"),
    "versioning": Empty("VersioningConfiguration"),
    "website": Missing(
        "NoSuchWebsiteConfiguration", "the bucket does not have a website configuration"
    ),
}
"""By the parameter that names the setting."""
WITH_ID = frozenset({"analytics", "intelligent-tiering", "inventory", "metrics"})
"""Settings of which a bucket may have several: all are listed, or one is asked for by its id."""
REMOVABLE = frozenset(
    {
        *("cors", "encryption", "lifecycle", "ownershipControls", "policy", "publicAccessBlock"),
        *("replication", "tagging", "website"),
        *WITH_ID,
    }
)

OBJECT: Mapping[str, NeverSet] = {
    "acl": Empty("AccessControlPolicy", ACCESS),
    "legal-hold": _NO_LOCKS,
    "retention": _NO_LOCKS,
    "tagging": Empty("Tagging", [("TagSet", ())]),
}


def get_bucket_setting(objects: ObjectStore, request: S3Request) -> Answer:
    """GetBucketVersioning, GetBucketAcl, GetBucketPolicy, ...: never set."""
    name = _named(request, BUCKET)
    request.allow_query(name, *(("id", "continuation-token") if name in WITH_ID else ()))
    objects.head_bucket(request.bucket)
    if "id" in request.query:
        raise S3Error("NoSuchConfiguration", "the specified configuration does not exist")
    return _told(BUCKET[name])


def delete_bucket_setting(objects: ObjectStore, request: S3Request) -> Answer:
    """DeleteBucketPolicy, DeleteBucketCors, ...: nothing to remove, so they succeed."""
    name = _named(request, BUCKET)
    request.allow_query(name, *(("id",) if name in WITH_ID else ()))
    if name not in REMOVABLE:
        raise not_implemented(f"{request.method} of a bucket's {name}")
    objects.head_bucket(request.bucket)
    if name in WITH_ID:
        raise S3Error("NoSuchConfiguration", "the specified configuration does not exist")
    return Answer(status=204)


def get_object_setting(objects: ObjectStore, request: S3Request) -> Answer:
    """GetObjectTagging, GetObjectAcl, GetObjectRetention, GetObjectLegalHold: never set."""
    name = _named(request, OBJECT)
    request.allow_query(name, "versionId")
    headers = version_headers(request)
    objects.head(request.bucket, request.key)
    answer = _told(OBJECT[name])
    answer.headers |= headers
    return answer


def delete_object_tagging(objects: ObjectStore, request: S3Request) -> Answer:
    """DeleteObjectTagging: an object never has tags, so it succeeds."""
    request.allow_query("tagging", "versionId")
    headers = version_headers(request)
    objects.head(request.bucket, request.key)
    return Answer(status=204, headers=headers)


def put_object_tagging(objects: ObjectStore, request: S3Request) -> Answer:
    """PutObjectTagging: an empty set changes nothing; tags are refused."""
    request.allow_query("tagging", "versionId")
    headers = version_headers(request)
    objects.head(request.bucket, request.key)
    root = parse(request.body.read(MAX_XML_BYTES), "Tagging")
    if root.find("TagSet") is None:
        raise S3Error("MalformedXML", "a <Tagging> has a <TagSet>")
    if root.find("TagSet/Tag") is not None:
        raise not_implemented("tagging of objects")
    return Answer(headers=headers)


def put_acl(objects: ObjectStore, request: S3Request) -> Answer:
    """PutBucketAcl, PutObjectAcl: a canned list that leaves all to the owner, as it is. Others
    are refused by the table of headers, and lists of grants here."""
    request.allow_query("acl", *(("versionId",) if request.key else ()))
    headers = version_headers(request)
    if request.body.read(MAX_XML_BYTES) or "x-amz-acl" not in request.headers:
        raise not_implemented("an access list other than a canned one")
    objects.head_bucket(request.bucket)
    if request.key:
        objects.head(request.bucket, request.key)
    return Answer(headers=headers)


def setting_of(request: S3Request, table: Mapping[str, NeverSet]) -> str | None:
    """The setting that a request names, or None."""
    return next((name for name in table if name in request.query), None)


def _named(request: S3Request, table: Mapping[str, NeverSet]) -> str:
    name = setting_of(request, table)
    assert name is not None  # the routes saw it
    return name


def _told(setting: NeverSet) -> Answer:
    if isinstance(setting, Missing):
        raise S3Error(setting.code, setting.message)
    return xml_answer(setting.root, setting.children)
