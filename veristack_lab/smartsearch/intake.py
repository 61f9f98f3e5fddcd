"""The intake: a document is accepted once, however often it is sent.

Commit point: the one transaction that inserts the document's row and its outbox event. Before it no
component knows of the document; after it the document will be processed, whichever process dies.
The broker is not involved: documents are accepted while it is down.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from veristack_lab.errors import DocumentNotFound, InvalidInput, RequestConflict
from veristack_lab.smartsearch import outbox
from veristack_lab.smartsearch.database import Connection, Database
from veristack_lab.smartsearch.model import Document, Status

MAX_TEXT_CHARS = 200_000
MAX_NAME_CHARS = 200

_COLUMNS = (
    "id, tenant_id, request_id, title, status, attempts, last_error, next_attempt_at,"
    " created_at, updated_at"
)


def ingest(
    database: Database, tenant_id: str, request_id: str, text: str, title: str = ""
) -> Document:
    """Take a document in, or find the one this request made before. Durable when it returns.

    Raises:
        InvalidInput: a name or the text is empty, too long or cannot be stored.
        RequestConflict: the request was used before with another text or title.
    """
    _check(tenant_id, request_id, text, title)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with database.transaction() as conn:
        row = conn.execute(
            "INSERT INTO documents (tenant_id, request_id, title, text, content_sha256)"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, request_id) DO NOTHING"
            f" RETURNING {_COLUMNS}",
            (tenant_id, request_id, title, text, digest),
        ).fetchone()
        if row is not None:
            outbox.announce_documents(conn, [(tenant_id, row["id"])])
            return _document(row)
        return _earlier(conn, tenant_id, request_id, digest, title)


def _earlier(
    conn: Connection, tenant_id: str, request_id: str, digest: str, title: str
) -> Document:
    # ON CONFLICT waited for a concurrent twin to commit, so its row is visible here.
    row = conn.execute(
        f"SELECT {_COLUMNS}, content_sha256 FROM documents"  # noqa: S608  (a constant)
        " WHERE tenant_id = %s AND request_id = %s",
        (tenant_id, request_id),
    ).fetchone()
    assert row is not None  # documents are never deleted
    if row.pop("content_sha256") != digest or row["title"] != title:
        raise RequestConflict(
            f"requestId {request_id!r} was already used with another text for document"
            f" {row['id']}. Use a new requestId for a new text."
        )
    return _document(row)


def status(database: Database, tenant_id: str, document_id: UUID) -> Document:
    """One document of a tenant.

    Raises:
        DocumentNotFound: the tenant has no such document.
    """
    with database.transaction() as conn:
        row = conn.execute(
            f"SELECT {_COLUMNS} FROM documents WHERE tenant_id = %s AND id = %s",  # noqa: S608
            (tenant_id, document_id),
        ).fetchone()
    if row is None:
        raise DocumentNotFound(f"tenant {tenant_id!r} has no document {document_id}")
    return _document(row)


def documents(
    database: Database, tenant_id: str, wanted: Status | None = None, limit: int = 20
) -> list[Document]:
    """The newest documents of a tenant, perhaps only those of one status.

    Raises:
        InvalidInput: the limit is not between 1 and 1000.
    """
    if not 1 <= limit <= 1000:
        raise InvalidInput(f"limit must be 1 to 1000, not {limit}")
    with database.transaction() as conn:
        rows = conn.execute(
            f"SELECT {_COLUMNS} FROM documents WHERE tenant_id = %s"  # noqa: S608
            " AND (%s::text IS NULL OR status = %s) ORDER BY created_at DESC, id LIMIT %s",
            (tenant_id, wanted, wanted, limit),
        ).fetchall()
    return [_document(row) for row in rows]


def finished(database: Database, tenant_id: str) -> int:
    """How many of a tenant's documents came to an end, READY or FAILED."""
    with database.transaction() as conn:
        row = conn.execute(
            "SELECT count(*) AS n FROM documents WHERE tenant_id = %s"
            " AND status IN ('READY', 'FAILED')",
            (tenant_id,),
        ).fetchone()
    assert row is not None  # an aggregate always gives one row
    return int(row["n"])


def _document(row: dict[str, object]) -> Document:
    return Document(**{**row, "status": Status(str(row["status"]))})  # type: ignore[arg-type]


def _check(tenant_id: str, request_id: str, text: str, title: str) -> None:
    for name, value in (("tenantId", tenant_id), ("requestId", request_id)):
        if not 1 <= len(value) <= MAX_NAME_CHARS:
            raise InvalidInput(f"{name} must have 1 to {MAX_NAME_CHARS} characters")
    if len(title) > MAX_NAME_CHARS:
        raise InvalidInput(f"title must have at most {MAX_NAME_CHARS} characters")
    if not 1 <= len(text) <= MAX_TEXT_CHARS:
        raise InvalidInput(f"text must have 1 to {MAX_TEXT_CHARS:,} characters, not {len(text):,}")
    for name, value in (
        ("tenantId", tenant_id), ("requestId", request_id), ("text", text), ("title", title),
    ):  # fmt: skip
        if "\0" in value:
            raise InvalidInput(f"{name} holds a NUL character, which Postgres cannot store")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(f"{name} is not valid Unicode: {error}") from error
