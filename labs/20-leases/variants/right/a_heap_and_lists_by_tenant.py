"""The queue is a heap that is built for each claim, and quotas are lists of rows by tenant."""

import heapq
from collections import defaultdict


def claim(jobs, now, worker, lease_s, quota):
    by_tenant = defaultdict(list)
    heap = []
    for job in jobs.values():
        if job.state == "RUNNING":
            by_tenant[job.tenant].append(job)
        elif job.state == "QUEUED":
            heapq.heappush(heap, (-job.priority, job.sequence, job.job_id))
    while heap:
        job = jobs[heapq.heappop(heap)[2]]
        if job.next_attempt_at <= now and len(by_tenant[job.tenant]) < quota:
            return replace(
                job,
                state=JobState.RUNNING,
                attempts=job.attempts + 1,
                epoch=job.epoch + 1,
                worker=worker,
                lease_expires_at=now + lease_s,
            )
    return None
