"""Which operation a request asks for.

What S3 has and this face has not (versions, tags, access lists, policies, encryption, ...) is
refused with 501 NotImplemented by its name, never half done: each operation names the
parameters that it knows, and refuses all others.
"""

from __future__ import annotations

from veristack_lab.veristore.s3 import (
    buckets,
    copy,
    delete,
    listing,
    multipart,
    objects,
    uploads,
)
from veristack_lab.veristore.s3.copy import SOURCE_HEADER
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.request import Operation, S3Request

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})


def operation_for(request: S3Request) -> Operation:
    """The function that answers. Raises `S3Error` NotImplemented or MethodNotAllowed."""
    if request.method not in _METHODS:
        raise S3Error("MethodNotAllowed", f"{request.method:.20} is no method of S3")
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


def _bucket_operation(request: S3Request) -> Operation | None:
    method, query = request.method, request.query
    if method == "POST":
        return delete.delete_objects if "delete" in query else None
    if method == "GET":
        if "location" in query:
            return buckets.get_location
        if "uploads" in query:
            return uploads.list_uploads
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
    return {
        "GET": objects.get_object,
        "HEAD": objects.head_object,
        "PUT": copy.copy_object if is_copy else objects.put_object,
        "DELETE": objects.delete_object,
    }[method]
