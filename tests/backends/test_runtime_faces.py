"""Whatever is sent to a face, it answers in its own shape: jobs and documents, on Postgres."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import http_faces, raw_http
from tests.thoroughness import sized
from veristack_lab import veriflow
from veristack_lab.smartsearch import api as documents
from veristack_lab.smartsearch.client import connect
from veristack_lab.veriflow.api import serve_in_thread

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends

NOWHERE = "http://127.0.0.1:9"
SOME_ID = "00000000-0000-0000-0000-000000000000"
JOB_BODY = b'{"name": "n", "workload": "primes", "parameters": {"below": 9}}'
DOCUMENT_BODY = b'{"tenantId": "t", "requestId": "r", "text": "x"}'
EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
JOB: dict[str, st.SearchStrategy[object]] = {
    "name": st.text(min_size=1),
    "workload": st.just("primes"),
    "seed": st.integers(),
    "priority": st.integers(),
    "max_attempts": st.integers(),
    "retry_base_s": st.floats(),
    "parameters": st.dictionaries(st.sampled_from(["below", "x"]), http_faces.VALUES),
}
DOCUMENT: dict[str, st.SearchStrategy[object]] = {
    "tenantId": st.text(min_size=1),
    "requestId": st.text(min_size=1),
    "text": st.text(min_size=1),
    "title": st.text(),
}


@pytest.fixture(scope="module")
def jobs_url(postgres_server: PostgresFacts) -> Iterator[str]:
    with veriflow.connect(postgres_server.conninfo, schema="faces_jobs") as flow:
        with serve_in_thread(flow) as url:
            yield url
        flow.drop_schema()


@pytest.fixture(scope="module")
def documents_url(postgres_server: PostgresFacts) -> Iterator[str]:
    # Neither broker nor gateway is there: what needs them is answered with 503.
    conninfo = postgres_server.conninfo
    with (
        connect(
            conninfo, schema="faces_documents", bootstrap="127.0.0.1:9", gateway_url=NOWHERE
        ) as s,
        documents.serve_in_thread(s) as url,
    ):
        yield url


@EXAMPLES
@given(
    method=http_faces.METHODS | st.just("POST"),
    path=http_faces.paths(["/v1/jobs", f"/v1/jobs/{SOME_ID}", "/v1/jobs/x/cancel", "/healthz"]),
    headers=http_faces.HEADERS,
    body=http_faces.bodies(JOB),
)
def test_jobs(jobs_url: str, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    answer = http_faces.ask(jobs_url, method, path, headers, body)
    http_faces.assert_owed(method, *answer, {"application/problem+json"})


@EXAMPLES
@given(
    method=http_faces.METHODS | st.just("POST"),
    path=http_faces.paths(
        [
            "/api/documents",
            f"/api/documents/{SOME_ID}?tenantId=me",
            "/api/documents?tenantId=me",
            f"/api/dead-letters/{SOME_ID}/replay",
            "/api/dead-letters",
            "/api/health",
        ]
    ),
    headers=http_faces.HEADERS,
    body=http_faces.bodies(DOCUMENT),
)
def test_documents(
    documents_url: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    answer = http_faces.ask(documents_url, method, path, headers, body)
    http_faces.assert_owed(method, *answer, {"application/json"})


def test_a_wrong_method_is_told_all_right_ones(jobs_url: str, documents_url: str) -> None:
    for url, path in ((jobs_url, "/v1/jobs"), (documents_url, "/api/documents")):
        status, headers, _ = http_faces.ask(url, "DELETE", path, {}, b"")
        assert (status, headers["allow"]) == (405, "GET, POST")


def test_nothing_below_http_makes_them_fail(
    postgres_server: PostgresFacts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    conninfo = postgres_server.conninfo
    with (
        veriflow.connect(conninfo, schema="raw_jobs") as flow,
        connect(
            conninfo, schema="raw_documents", bootstrap="127.0.0.1:9", gateway_url=NOWHERE
        ) as search,
        raw_http.hasty_connections(),
        serve_in_thread(flow) as jobs,
        documents.serve_in_thread(search) as docs,
    ):
        for url, health, kind, path, body in (
            (jobs, "/healthz", "application/problem+json", b"/v1/jobs", JOB_BODY),
            (docs, "/api/health", "application/json", b"/api/documents", DOCUMENT_BODY),
        ):
            good = [
                b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path,
                b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (path, len(body), body),
            ]
            sent = list(raw_http.conversations(3, sized(60, 2000), good))
            found = raw_http.faults(url, sent, {kind}, partial(_is_well, url + health))
            assert found == []
        flow.drop_schema()
    assert [record.getMessage() for record in caplog.records] == []


def _is_well(url: str) -> bool:
    return httpx.get(url, trust_env=False, timeout=60).status_code == 200
