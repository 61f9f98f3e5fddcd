"""The clock of Postgres is set by an hour: leases move, and no result is counted twice or lost.

To everything that is stored, a clock that goes forward is the same as stored times that lie further
back. So the tests move the stored times.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from veristack_lab import veriflow
from veristack_lab.errors import LeaseLost
from veristack_lab.smartsearch import leases, sweeper
from veristack_lab.smartsearch.client import Search, connect
from veristack_lab.veriflow.dispatch import Dispatch
from veristack_lab.veriflow.lifecycle import JobState

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends

SPEC: dict[str, Any] = {"name": "count", "workload": "primes"}
FORWARD, BACK = "-1 hour", "1 hour"
"""By how much the stored times move, when the clock moves the other way."""


@pytest.fixture
def flow(postgres_server: PostgresFacts, unique_name: str) -> Iterator[veriflow.Flow]:
    with veriflow.connect(postgres_server.conninfo, schema=unique_name) as found:
        yield found
        found.drop_schema()


def move(flow: veriflow.Flow, by: str) -> None:
    with flow.database.transaction() as cursor:
        cursor.execute("update runs set lease_expires_at = lease_expires_at + %s::interval", [by])
        cursor.execute("update jobs set next_attempt_at = next_attempt_at + %s::interval", [by])
        cursor.execute("update schedulers set seen_at = seen_at + %s::interval", [by])


def test_forward_a_run_is_taken_back_once_and_its_old_owner_refused(flow: veriflow.Flow) -> None:
    job = flow.submit(SPEC)
    (old,) = Dispatch(flow.database, "s1", 30).claim()
    move(flow, FORWARD)
    other = Dispatch(flow.database, "s2", 30)
    assert other.reclaim_expired() == [job.job_id]
    assert other.reclaim_expired() == []
    with pytest.raises(LeaseLost):
        Dispatch(flow.database, "s1", 30).succeed(old.lease)
    assert flow.get(job.job_id).state is JobState.QUEUED


def test_back_a_living_scheduler_keeps_its_run_and_its_lease_its_length(
    flow: veriflow.Flow,
) -> None:
    job = flow.submit(SPEC)
    scheduler = Dispatch(flow.database, "s1", 30)
    (claim,) = scheduler.claim()
    move(flow, BACK)
    assert Dispatch(flow.database, "s2", 30).reclaim_expired() == []
    assert scheduler.heartbeat([claim.lease]) == []
    with flow.database.transaction() as cursor:
        row = cursor.execute(
            "select extract(epoch from lease_expires_at - clock_timestamp())::float8 as left_s"
            " from runs where job_id = %s",
            [job.job_id],
        ).fetchone()
    assert row is not None
    assert row["left_s"] <= 30, "a heartbeat leaves the lease an hour long"


@pytest.fixture
def search(postgres_server: PostgresFacts, unique_name: str) -> Iterator[Search]:
    nowhere = "http://127.0.0.1:9"
    with connect(
        postgres_server.conninfo, schema=unique_name, bootstrap="127.0.0.1:9", gateway_url=nowhere
    ) as found:
        yield found


def test_forward_a_document_goes_back_unrefused(search: Search) -> None:
    document = search.ingest("t", "r", "a text")
    (claimed,) = leases.claim(search.database, "w", [document.id], 30)
    with search.database.transaction() as conn:
        conn.execute("UPDATE documents SET lease_expires_at = lease_expires_at - interval '1 hour'")
    assert sweeper.end_expired(search.database, search.settings) == 1
    assert sweeper.end_expired(search.database, search.settings) == 0
    assert search.status("t", document.id).status == "PENDING"
    with search.database.transaction() as conn:
        row = conn.execute("SELECT refusals, lease_epoch FROM documents").fetchone()
    assert row == {"refusals": 0, "lease_epoch": claimed.epoch}


def test_back_no_age_is_negative(search: Search) -> None:
    search.ingest("t", "r", "a text")
    with search.database.transaction() as conn:
        conn.execute("UPDATE documents SET created_at = created_at + interval '1 hour'")
        conn.execute("UPDATE outbox SET created_at = created_at + interval '1 hour'")
    found = search.pressure("t")
    assert (found.oldest_pending_s, found.outbox_oldest_s) == (0, 0)
