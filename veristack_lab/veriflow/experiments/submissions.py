"""One submission, repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from veristack_lab.errors import IdempotencyConflict
from veristack_lab.veriflow.flow import connect


def repeated_submissions(
    conninfo: str, *, schema: str = "veriflow_keys", submitters: int = 10
) -> pd.DataFrame:
    """The same submission from many threads at once, then the same key with another body.

    Returns:
        One row per submission: submitter, job_id, outcome (`new`, `replayed` or `conflict`).
    """
    spec = {"name": "once", "workload": "primes", "parameters": {"below": 1000}}
    with connect(conninfo, schema=schema, connections=submitters) as flow:

        def submit(number: int) -> dict[str, object]:
            job = flow.submit(spec, "one-key")
            outcome = "replayed" if job.replayed else "new"
            return {"submitter": number, "job_id": str(job.job_id), "outcome": outcome}

        with ThreadPoolExecutor(submitters) as pool:
            rows = list(pool.map(submit, range(submitters)))
        try:
            other = flow.submit({**spec, "seed": 1}, "one-key")
            rows.append({"submitter": -1, "job_id": str(other.job_id), "outcome": "accepted"})
        except IdempotencyConflict:
            rows.append({"submitter": -1, "job_id": None, "outcome": "conflict"})
        jobs = len(flow.list())
    frame = pd.DataFrame(rows)
    frame.attrs.update(schema=schema, submitters=submitters, jobs_stored=jobs)
    return frame
