"""The HTTP face, served for real and asked by httpx."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.waiting import PATIENCE_S
from veristack_lab import veriflow
from veristack_lab.errors import InvalidInput
from veristack_lab.veriflow.api import serve_in_thread
from veristack_lab.veriflow.dispatch import Dispatch
from veristack_lab.veriflow.runlog import RunLog

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends

BODY = {"name": "count", "workload": "primes", "parameters": {"below": 100}}
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def flow(postgres_server: PostgresFacts, unique_name: str) -> Iterator[veriflow.Flow]:
    flow = veriflow.connect(postgres_server.conninfo, schema=unique_name)
    yield flow
    flow.drop_schema()


@pytest.fixture
def api(flow: veriflow.Flow) -> Iterator[httpx.Client]:
    with serve_in_thread(flow) as url, httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
        yield client


def assert_problem(response: httpx.Response, status: int, title: str, detail: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert (body["status"], body["title"]) == (status, title)
    assert detail in body["detail"]


def test_submit_look_and_cancel(api: httpx.Client) -> None:
    made = api.post("/v1/jobs", json=BODY)
    assert made.status_code == 201
    job = made.json()["job"]
    assert job["state"] == "QUEUED"
    assert job["spec"]["parameters"] == {"below": 100, "segment": 250_000, "checkpoint_every": 1}
    found = api.get(made.headers["location"])
    assert found.json()["job"] == job
    assert [event["type"] for event in found.json()["events"]] == ["JOB_SUBMITTED"]
    assert api.get("/v1/jobs", params={"state": "QUEUED"}).json()["jobs"] == [made.json()]
    assert api.get("/v1/jobs", params={"state": "FAILED"}).json()["jobs"] == []
    why = api.get(f"/v1/jobs/{job['job_id']}/why").json()
    assert why["headline"] == "no scheduler is running"
    for _ in range(2):
        cancelled = api.post(f"/v1/jobs/{job['job_id']}/cancel")
        assert (cancelled.status_code, cancelled.json()["job"]["state"]) == (200, "CANCELLED")
    assert api.get("/healthz").json()["jobs"]["CANCELLED"] == 1


def test_a_finished_job_shows_runs_events_metrics_and_result(
    api: httpx.Client, flow: veriflow.Flow
) -> None:
    job_id = api.post("/v1/jobs", json=BODY).json()["job"]["job_id"]
    dispatch = Dispatch(flow.database, "s1", 30)
    (claim,) = dispatch.claim()
    log = RunLog(flow.database, claim.lease)
    log.started("here", 42)
    log.metrics(1, {"primes": 25.0})
    log.result({"primes": 25})
    dispatch.succeed(claim.lease)
    found = api.get(f"/v1/jobs/{job_id}").json()
    assert found["job"]["result"] == {"primes": 25}
    (run,) = found["runs"]
    assert (run["state"], run["pid"], run["exit_code"]) == ("SUCCEEDED", 42, 0)
    assert [event["type"] for event in found["events"]] == [
        "JOB_SUBMITTED", "RUN_CLAIMED", "RUN_STARTED", "RUN_SUCCEEDED", "JOB_SUCCEEDED",
    ]  # fmt: skip
    assert [(m["step"], m["measured"]) for m in found["metrics"]] == [(1, {"primes": 25.0})]
    assert_problem(
        api.post(f"/v1/jobs/{job_id}/cancel"), 409, "InvalidTransition", "already SUCCEEDED"
    )


def test_a_key_is_one_job_under_ten_concurrent_posts(api: httpx.Client) -> None:
    def post(_: int) -> tuple[int, Any]:
        response = api.post("/v1/jobs", json=BODY, headers={"Idempotency-Key": "k"})
        return response.status_code, response.json()["job"]["job_id"]

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(10)))
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]
    assert len({job_id for _, job_id in answers}) == 1
    other = api.post("/v1/jobs", json={**BODY, "seed": 2}, headers={"Idempotency-Key": "k"})
    assert_problem(other, 409, "IdempotencyConflict", "use a new key")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"name": "x"}', "workload"),
        (b'{"name": "x", "workload": "primes", "seed": -1}', "seed"),
        (b'{"name": "x", "workload": "primes", "colour": 1}', "colour"),
        (b'{"name": "x", "workload": "telepathy"}', "there are docstrings, primes"),
        (b'{"name": "x", "workload": "primes", "parameters": {"below": -1}}', "below"),
        (b'{"name": "x\\u0000", "workload": "primes"}', "U+0000"),
    ],
)
def test_a_bad_body_is_a_problem(api: httpx.Client, body: bytes, detail: str) -> None:
    answer = api.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "InvalidInput", detail)
    assert api.get("/v1/jobs").json() == {"jobs": []}


def test_other_problems(api: httpx.Client) -> None:
    assert_problem(api.get(f"/v1/jobs/{NOWHERE}"), 404, "JobNotFound", NOWHERE)
    assert_problem(api.get(f"/v1/jobs/{NOWHERE}/why"), 404, "JobNotFound", NOWHERE)
    assert_problem(api.post(f"/v1/jobs/{NOWHERE}/cancel"), 404, "JobNotFound", NOWHERE)
    assert_problem(api.get("/v1/jobs/first"), 422, "InvalidInput", "not a job id")
    assert_problem(api.get("/v1/jobs?state=BUSY"), 422, "InvalidInput", "state")
    assert_problem(api.get("/v1/jobs?limit=0"), 422, "InvalidInput", "limit")
    empty_key = api.post("/v1/jobs", json=BODY, headers={"Idempotency-Key": ""})
    assert_problem(empty_key, 422, "InvalidInput", "Idempotency-Key")
    assert_problem(api.get("/v2"), 404, "Not Found", "")
    assert_problem(api.put("/v1/jobs", json=BODY), 405, "Method Not Allowed", "")


def test_openapi_describes_every_route(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    assert {path: sorted(methods) for path, methods in paths.items()} == {
        "/v1/jobs": ["get", "post"],
        "/v1/jobs/{job_id}": ["get"],
        "/v1/jobs/{job_id}/cancel": ["post"],
        "/v1/jobs/{job_id}/why": ["get"],
        "/healthz": ["get"],
    }
    assert {"201", "409", "422"} <= set(paths["/v1/jobs"]["post"]["responses"])


def test_a_taken_port_is_refused(api: httpx.Client, flow: veriflow.Flow) -> None:
    port = api.base_url.port
    assert port is not None
    with pytest.raises(InvalidInput, match=f"port {port}"), serve_in_thread(flow, port):
        pass
