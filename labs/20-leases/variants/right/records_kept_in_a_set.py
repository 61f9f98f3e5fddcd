"""Checkpoints are put together as a set, so their order in the row is any; one is found by walking
the row's records from the newest on."""

from hashlib import sha256 as hash_of


def acknowledge(job, lease, now, step, sha256=""):
    require_lease(job, lease, now)
    records = set(job.checkpoints)
    if sha256:
        records.add(Recorded(job.epoch, step, sha256))
    if step > job.acknowledged:
        job = replace(job, acknowledged=step)
    return replace(job, checkpoints=tuple(records))


def resume(job, found):
    mine = {}
    for checkpoint in found:
        if checkpoint.job_id == job.job_id:
            mine.setdefault((checkpoint.epoch, checkpoint.step), []).append(checkpoint)
    for record in sorted(job.checkpoints, key=lambda r: (r.epoch, r.step))[::-1]:
        for checkpoint in mine.get((record.epoch, record.step), []):
            if hash_of(checkpoint.data).hexdigest() == record.sha256:
                return checkpoint, job.acknowledged + 1
    if job.checkpoints:
        raise CheckpointCorrupt(f"{len(job.checkpoints)} were recorded, none is whole")
    return None, job.acknowledged + 1
