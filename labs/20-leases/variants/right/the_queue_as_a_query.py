"""The claim is a query to SQLite in memory: a table, an order, a limit."""

import sqlite3


def claim(jobs, now, worker, lease_s, quota):
    with sqlite3.connect(":memory:") as database:
        database.execute(
            "create table jobs (id text, tenant text, priority int, sequence int, state text,"
            " next_attempt_at real)"
        )
        rows = [
            (j.job_id, j.tenant, j.priority, j.sequence, str(j.state), j.next_attempt_at)
            for j in jobs.values()
        ]
        database.executemany("insert into jobs values (?, ?, ?, ?, ?, ?)", rows)
        found = database.execute(
            "select id from jobs where state = 'QUEUED' and next_attempt_at <= ?"
            " and (select count(*) from jobs b where b.tenant = jobs.tenant"
            " and b.state = 'RUNNING') < ? order by priority desc, sequence limit 1",
            [now, quota],
        ).fetchone()
    database.close()
    if found is None:
        return None
    job = jobs[found[0]]
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
