"""The HTTP face of smartsearch: FastAPI, JSON in camel case, OpenAPI at `/docs`.

The tenant is a parameter, not a credential: put a gateway that authenticates callers in front of it
before other machines can reach it. It binds to loopback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from veristack_lab.errors import (
    BackendError,
    DocumentNotFound,
    EmbeddingFailed,
    EmbeddingModelChanged,
    InvalidInput,
    RequestConflict,
    TextRefused,
)
from veristack_lab.runtime import serving
from veristack_lab.runtime.faces import Guard, Policy, allow_header
from veristack_lab.runtime.replies import plain_shape
from veristack_lab.runtime.supervisor import Health, all_up, no_parts
from veristack_lab.smartsearch import views
from veristack_lab.smartsearch.client import Search
from veristack_lab.smartsearch.model import Status

STATUS_CODES: dict[type[Exception], int] = {
    DocumentNotFound: 404,
    RequestConflict: 409,
    EmbeddingModelChanged: 409,
    InvalidInput: 422,
    TextRefused: 422,
    EmbeddingFailed: 503,
    BackendError: 503,
}

DATABASE_AWAY = {
    "error": "DatabaseUnavailable",
    "message": "the database does not answer; try again later",
}

Tenant = Annotated[str, Query(alias="tenantId", min_length=1)]
OptionalTenant = Annotated[str | None, Query(alias="tenantId")]
Question = Annotated[str, Query(min_length=1)]


def application(search: Search, parts: Health = no_parts) -> FastAPI:
    """The API over one `Search`. The caller keeps the `Search` open.

    Args:
        parts: the health of the processes that serve the documents.
    """
    app = FastAPI(title="smartsearch", version="1")
    for error, code in STATUS_CODES.items():
        app.add_exception_handler(error, _handler(code))
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _unrouted(app))
    app.add_middleware(Guard, policy=Policy(plain_shape))
    _add_document_routes(app, search)
    _add_query_routes(app, search)
    _add_operation_routes(app, search)
    _add_health(app, search, parts)
    return app


def _handler(code: int):  # type: ignore[no-untyped-def]  # Starlette's type is a union of two
    def handle(_: Request, error: Exception) -> JSONResponse:
        # A database's own messages name hosts and roles, which callers need not see.
        own = not isinstance(error, BackendError)
        told = {"error": type(error).__name__, "message": str(error)}
        return JSONResponse(told if own else DATABASE_AWAY, status_code=code)

    return handle


def _unreadable(_: Request, error: Exception) -> JSONResponse:
    """What FastAPI itself refuses, in the shape of all other errors."""
    assert isinstance(error, RequestValidationError)  # registered for nothing else
    found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return JSONResponse({"error": "InvalidInput", "message": "; ".join(found)}, status_code=422)


def _unrouted(app: FastAPI):  # type: ignore[no-untyped-def]  # see `_handler`
    def handle(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # registered for nothing else
        status = HTTPStatus(error.status_code)
        headers = {}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = allow_header(app.routes, request.scope)
        name = status.phrase.title().replace(" ", "")
        return JSONResponse({"error": name, "message": str(error.detail)}, status, headers)

    return handle


def _add_document_routes(app: FastAPI, search: Search) -> None:
    @app.post("/api/documents", status_code=202)
    def ingest(body: views.NewDocument) -> views.Accepted:
        """Take a document in. 202 means durable; a repeated request gives the same id."""
        document = search.ingest(body.tenant_id, body.request_id, body.text, body.title)
        return views.Accepted(id=document.id, status=document.status)

    @app.get("/api/documents/{document_id}")
    def status(document_id: UUID, tenant: Tenant) -> views.DocumentView:
        """One document of the tenant."""
        return views.DocumentView.of(search.status(tenant, document_id))

    @app.get("/api/documents")
    def documents(
        tenant: Tenant, status: Status | None = None, limit: int = 20
    ) -> list[views.DocumentView]:
        """The tenant's newest documents."""
        return [views.DocumentView.of(d) for d in search.documents(tenant, status, limit)]


def _add_query_routes(app: FastAPI, search: Search) -> None:
    @app.get("/api/search")
    def find(tenant: Tenant, q: Question, k: int = 5) -> list[views.PassageView]:
        """The nearest READY documents, each with its nearest passage."""
        return [views.PassageView.of(p) for p in search.search(tenant, q, k)]

    @app.get("/api/ask")
    def ask(tenant: Tenant, q: Question, k: int = 3) -> views.AnswerView:
        """An answer with its passages; the passages come even when no text engine answers."""
        return views.AnswerView.of(search.ask(tenant, q, k))


def _add_operation_routes(app: FastAPI, search: Search) -> None:
    @app.get("/api/system/pressure")
    def pressure(tenant: OptionalTenant = None) -> views.PressureView:
        """How much work is waiting in each part, for one tenant or for all."""
        return views.PressureView.of(search.pressure(tenant))

    @app.get("/api/dead-letters")
    def dead_letters(tenant: OptionalTenant = None, limit: int = 100) -> list[views.LetterView]:
        """Documents that were given up."""
        return [views.LetterView.of(letter) for letter in search.dead_letters(tenant, limit)]

    @app.post("/api/dead-letters/{letter_id}/replay", status_code=202)
    def replay(letter_id: UUID) -> views.Replayed:
        """Send a given-up document through the pipeline again."""
        return views.Replayed(document_id=search.replay(letter_id))


def _add_health(app: FastAPI, search: Search, parts: Health) -> None:
    @app.get("/api/health")
    def health() -> JSONResponse:
        """Whether the database answers a query and every part is up.

        A part that is down is named, with the time since when and the reason.
        """
        found = parts()
        documents = [part.document() for part in found]
        try:
            with search.database.transaction() as conn:
                conn.execute("SELECT 1 FROM documents LIMIT 1")
        except BackendError:
            return JSONResponse({**DATABASE_AWAY, "parts": documents}, 503)
        return JSONResponse({"status": "up" if all_up(found) else "degraded", "parts": documents})


@contextmanager
def serve_in_thread(search: Search, port: int = 0, parts: Health = no_parts) -> Iterator[str]:
    """Serve the API on loopback while the body runs; yields its URL.

    Args:
        search: what to serve.
        port: 0 for any free one.
        parts: see `application`.

    Raises:
        PortUnavailable: the port cannot be used.
        BackendStartFailed: the server did not come up.
    """
    app = application(search, parts)
    with serving.in_thread(app, port, name="smartsearch-api", shape=plain_shape) as url:
        yield url
