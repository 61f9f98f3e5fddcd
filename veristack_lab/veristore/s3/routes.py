"""Which operation a request asks for.

What S3 has and this server has not (versions, tags, access lists, policies, encryption, ...)
is answered as never set (`never_set`). Setting it is refused by name with 501 NotImplemented, never
half done: each operation names the parameters that it knows, and refuses all others.
"""

from __future__ import annotations

from collections.abc import Mapping

from veristack_lab.veristore.s3 import (
    attributes,
    buckets,
    copy,
    delete,
    listing,
    multipart,
    never_set,
    objects,
    uploads,
    versions,
)
from veristack_lab.veristore.s3.checksums import PREFIX
from veristack_lab.veristore.s3.copy import SOURCE_HEADER
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.request import Operation, S3Request

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})


def operation_for(request: S3Request) -> Operation:
    """The function that answers. Raises `S3Error` NotImplemented or MethodNotAllowed."""
    if request.method not in _METHODS:
        raise S3Error("MethodNotAllowed", f"{request.method:.20} is not a method of S3")
    found: Operation | None
    if not request.bucket:
        found = buckets.list_buckets if request.method == "GET" else None
    elif not request.key:
        found = _bucket_operation(request)
    else:
        found = _object_operation(request)
    if found is None:
        raise not_implemented(request.what)
    return found


def body_headers(
    method: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> Mapping[str, str]:
    """The headers that are about the request's body. The checksums of a CompleteMultipartUpload
    are not: they are the object's."""
    if method == "POST" and "uploadId" in query:
        return {name: value for name, value in headers.items() if not name.startswith(PREFIX)}
    return headers


def _bucket_operation(request: S3Request) -> Operation | None:
    method, query = request.method, request.query
    setting = never_set.setting_of(request, never_set.BUCKET)
    if setting is not None:
        if method == "PUT" and setting == "acl":
            return never_set.put_acl
        found: Mapping[str, Operation] = {
            "GET": never_set.get_bucket_setting,
            "DELETE": never_set.delete_bucket_setting,
        }
        if method not in found:
            raise not_implemented(f"{method} of a bucket's {setting}")
        return found[method]
    if method == "POST":
        return delete.delete_objects if "delete" in query else None
    if method == "GET":
        if "location" in query:
            return buckets.get_location
        if "uploads" in query:
            return uploads.list_uploads
        if "versions" in query:
            return versions.list_versions
        return listing.list_objects_v2 if "list-type" in query else listing.list_objects
    return {
        "PUT": buckets.create_bucket,
        "HEAD": buckets.head_bucket,
        "DELETE": buckets.delete_bucket,
    }[method]


def _object_operation(request: S3Request) -> Operation | None:
    method, query = request.method, request.query
    is_copy = SOURCE_HEADER in request.headers
    if method == "POST":
        if "uploads" in query:
            return multipart.create_upload
        return multipart.complete_upload if "uploadId" in query else None
    if "uploadId" in query:
        return {
            "GET": uploads.list_parts,
            "PUT": multipart.copy_part if is_copy else multipart.upload_part,
            "DELETE": multipart.abort_upload,
        }.get(method)
    if "acl" in query and method == "PUT":
        return never_set.put_acl
    if "tagging" in query and method in ("PUT", "DELETE"):
        is_put = method == "PUT"
        return never_set.put_object_tagging if is_put else never_set.delete_object_tagging
    if method == "GET" and never_set.setting_of(request, never_set.OBJECT) is not None:
        return never_set.get_object_setting
    if method == "GET" and "attributes" in query:
        return attributes.get_object_attributes
    return {
        "GET": objects.get_object,
        "HEAD": objects.head_object,
        "PUT": copy.copy_object if is_copy else objects.put_object,
        "DELETE": objects.delete_object,
    }[method]
