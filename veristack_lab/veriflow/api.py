"""The HTTP face of the job database, with OpenAPI at `/docs`.

    POST /v1/jobs              submit (header Idempotency-Key); 201 new, 200 seen before
    GET  /v1/jobs              newest first; ?state= and ?limit=
    GET  /v1/jobs/{id}         job, runs, events, metrics
    POST /v1/jobs/{id}/cancel
    GET  /v1/jobs/{id}/why
    GET  /healthz

Errors are JSON problem objects (RFC 9457): type, title, status, detail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from veristack_lab.errors import (
    BackendError,
    IdempotencyConflict,
    InvalidInput,
    InvalidTransition,
    JobNotFound,
    VeriStackError,
)
from veristack_lab.runtime import serving
from veristack_lab.runtime.faces import Guard, Policy, allow_header
from veristack_lab.runtime.replies import PROBLEM_TYPE, problem_shape
from veristack_lab.runtime.supervisor import Health, all_up, no_parts
from veristack_lab.veriflow.flow import Flow
from veristack_lab.veriflow.lifecycle import JobState
from veristack_lab.veriflow.records import Job
from veristack_lab.veriflow.spec import JobSpec

KeyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="The same key and body never make a second job."),
]

STATUS: dict[type[VeriStackError], HTTPStatus] = {
    InvalidInput: HTTPStatus(422),
    JobNotFound: HTTPStatus.NOT_FOUND,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    InvalidTransition: HTTPStatus.CONFLICT,
    BackendError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def create_app(flow: Flow, parts: Health = no_parts) -> FastAPI:
    """The application over one open `Flow`, which the caller closes.

    Args:
        parts: the health of the processes that serve the jobs.
    """
    app = FastAPI(title="veriflow", version="1", summary="Training jobs that survive failures.")
    _add_routes(app, flow)
    _add_health(app, flow, parts)
    _add_problems(app)
    app.add_middleware(Guard, policy=Policy(problem_shape))
    return app


def _add_routes(app: FastAPI, flow: Flow) -> None:
    @app.post("/v1/jobs", status_code=201, responses=_problems(409, 422, 503))
    def submit(
        spec: JobSpec,
        response: Response,
        idempotency_key: KeyHeader = None,
    ) -> dict[str, Any]:
        """Put a job into the queue."""
        job = flow.submit(spec, idempotency_key)
        response.status_code = 200 if job.replayed else 201
        response.headers["Location"] = f"/v1/jobs/{job.job_id}"
        return document(job)

    @app.get("/v1/jobs", responses=_problems(422, 503))
    def jobs(
        state: JobState | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        """Jobs with their runs, newest first."""
        return {"jobs": [document(job) for job in flow.list(state, limit)]}

    @app.get("/v1/jobs/{job_id}", responses=_problems(404, 422, 503))
    def job(job_id: str) -> dict[str, Any]:
        """A job, its runs, its whole history, and what its runs measured."""
        return {
            **document(flow.get(job_id)),
            "events": [asdict(event) for event in flow.events(job_id)],
            "metrics": [asdict(metric) for metric in flow.metrics(job_id)],
        }

    @app.post("/v1/jobs/{job_id}/cancel", responses=_problems(404, 409, 422, 503))
    def cancel(job_id: str) -> dict[str, Any]:
        """Stop a job; later results of its run do not count."""
        return document(flow.cancel(job_id))

    @app.get("/v1/jobs/{job_id}/why", responses=_problems(404, 422, 503))
    def why(job_id: str) -> dict[str, Any]:
        """Why the job is where it is."""
        return asdict(flow.why(job_id))


def _add_health(app: FastAPI, flow: Flow, parts: Health) -> None:
    @app.get("/healthz", responses=_problems(503))
    def health() -> JSONResponse:
        """Whether the database answers and every part is up; how many jobs are in each state.

        A part that is down is named, with the time since when and the reason.
        """
        found = parts()
        documents = [part.document() for part in found]
        try:
            jobs = flow.counts()
        except BackendError as error:
            body = {"type": "about:blank", "title": type(error).__name__, "status": 503}
            body |= {"detail": str(error), "parts": documents}
            return JSONResponse(body, 503, media_type=PROBLEM_TYPE)
        status = "ok" if all_up(found) else "degraded"
        return JSONResponse({"status": status, "jobs": jobs, "parts": documents})


def document(job: Job) -> dict[str, Any]:
    """A job as JSON: the job's own fields, and its runs beside them."""
    fields = {name: value for name, value in asdict(job).items() if name not in ("spec", "runs")}
    fields["spec"] = job.spec.model_dump(mode="json")
    fields["result"] = job.result
    return {"job": fields, "runs": [asdict(run) for run in job.runs]}


def problem(status: int, title: str, detail: str) -> JSONResponse:
    """An RFC 9457 problem object as a response."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type=PROBLEM_TYPE)


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says about errors."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_TYPE: {}}}
        for status in statuses
    }


def _add_problems(app: FastAPI) -> None:
    def ours(_: Request, error: Exception) -> Response:
        found = [status for kind, status in STATUS.items() if isinstance(error, kind)]
        status = found[0] if found else HTTPStatus.INTERNAL_SERVER_ERROR
        return problem(status, type(error).__name__, str(error))

    def malformed(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        details = jsonable_encoder(error.errors(), exclude={"ctx", "input", "url"})
        told = [f"{'.'.join(str(at) for at in each['loc'])}: {each['msg']}" for each in details]
        return problem(422, "InvalidInput", "; ".join(told))

    def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reply = problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            reply.headers["Allow"] = allow_header(app.routes, request.scope)
        return reply

    app.add_exception_handler(VeriStackError, ours)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, plain)


def serve(flow: Flow, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is called with the URL. For a main thread.

    Raises:
        PortUnavailable: the port cannot be used.
    """
    serving.run(create_app(flow), port, on_ready, shape=problem_shape)


@contextmanager
def serve_in_thread(flow: Flow, port: int = 0, parts: Health = no_parts) -> Iterator[str]:
    """Serve on 127.0.0.1 from a thread while the body runs; yields the URL.

    Args:
        port: 0 picks a free one.
        parts: see `create_app`.

    Raises:
        PortUnavailable: the port cannot be used.
        BackendStartFailed: the server did not come up.
    """
    app = create_app(flow, parts)
    with serving.in_thread(app, port, name="veriflow-api", shape=problem_shape) as url:
        yield url
