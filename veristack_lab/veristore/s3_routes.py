"""Which operation a request asks for.

What S3 has and this face has not (versions, tags, access lists, policies, encryption, ...) is
refused with 501 NotImplemented by its name, never half done: each operation names the
parameters that it knows, and refuses all others.
"""

from __future__ import annotations

from veristack_lab.veristore import (
    s3_buckets,
    s3_copy,
    s3_delete,
    s3_listing,
    s3_multipart,
    s3_objects,
    s3_uploads,
)
from veristack_lab.veristore.s3_copy import SOURCE_HEADER
from veristack_lab.veristore.s3_errors import S3Error, not_implemented
from veristack_lab.veristore.s3_request import Operation, S3Request

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})


def operation_for(request: S3Request) -> Operation:
    """The function that answers. Raises `S3Error` NotImplemented or MethodNotAllowed."""
    if request.method not in _METHODS:
        raise S3Error("MethodNotAllowed", f"{request.method:.20} is no method of S3")
    found: Operation | None
    if not request.bucket:
        found = s3_buckets.list_buckets if request.method == "GET" else None
    elif not request.key:
        found = _bucket_operation(request)
    else:
        found = _object_operation(request)
    if found is None:
        raise not_implemented(request.what)
    return found


def _bucket_operation(request: S3Request) -> Operation | None:
    method, query = request.method, request.query
    if method == "POST":
        return s3_delete.delete_objects if "delete" in query else None
    if method == "GET":
        if "location" in query:
            return s3_buckets.get_location
        if "uploads" in query:
            return s3_uploads.list_uploads
        return s3_listing.list_objects_v2 if "list-type" in query else s3_listing.list_objects
    return {
        "PUT": s3_buckets.create_bucket,
        "HEAD": s3_buckets.head_bucket,
        "DELETE": s3_buckets.delete_bucket,
    }[method]


def _object_operation(request: S3Request) -> Operation | None:
    method, query = request.method, request.query
    is_copy = SOURCE_HEADER in request.headers
    if method == "POST":
        if "uploads" in query:
            return s3_multipart.create_upload
        return s3_multipart.complete_upload if "uploadId" in query else None
    if "uploadId" in query:
        return {
            "GET": s3_uploads.list_parts,
            "PUT": s3_multipart.copy_part if is_copy else s3_multipart.upload_part,
            "DELETE": s3_multipart.abort_upload,
        }.get(method)
    return {
        "GET": s3_objects.get_object,
        "HEAD": s3_objects.head_object,
        "PUT": s3_copy.copy_object if is_copy else s3_objects.put_object,
        "DELETE": s3_objects.delete_object,
    }[method]
