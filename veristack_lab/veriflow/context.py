"""What a workload is given: its seed, its checkpoints, and a place to report to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veristack_lab.errors import CheckpointCorrupt, InvalidInput
from veristack_lab.veriflow import checkpoints
from veristack_lab.veriflow.checkpoints import Arrays, Checkpoint, Saved
from veristack_lab.veriflow.runlog import RunLog

if TYPE_CHECKING:
    from veristack_lab.veristore import Objects

KEPT_CHECKPOINTS = 3


@dataclass
class RunContext:
    """One run of a workload. All methods raise `LeaseLost` once the run does not count."""

    seed: int
    objects: Objects
    log: RunLog

    def resume(self, data_sha256: str) -> Checkpoint | None:
        """The newest whole checkpoint that counts, or None to begin at step 0.

        Checkpoints that had to be skipped are recorded in the job's history.

        Args:
            data_sha256: hash of the training data; going on with other data is refused.

        Raises:
            InvalidInput: the checkpoint was made from other data.
        """
        accepted = {(row.epoch, row.step, row.sha256) for row in self.log.accepted_checkpoints()}
        job_id = self.log.lease.job_id
        try:
            found = checkpoints.latest(
                self.objects,
                job_id,
                accept=lambda saved: (saved.epoch, saved.step, saved.sha256) in accepted,
            )
        except CheckpointCorrupt as error:
            self.log.event("CHECKPOINT_REJECTED", {"why": [str(error)]})
            return None
        if found is None:
            return None
        if found.rejected:
            self.log.event("CHECKPOINT_REJECTED", {"why": list(found.rejected)})
        if found.saved.metadata.get("data_sha256") != data_sha256:
            raise InvalidInput(
                "the training data is not what the checkpoint was made from; "
                "submit a new job, or restore the data"
            )
        self.log.event("RUN_RESUMED", {"step": found.saved.step, "from_epoch": found.saved.epoch})
        return found

    def save(self, step: int, arrays: Arrays, data_sha256: str) -> Saved:
        """Save a checkpoint and record it for the job.

        Commit point: the row in the job database, written after the manifest object and under
        the lease. Old checkpoints are removed only after it, so a run that lost its lease
        never removes one that its successor may need.
        """
        saved = checkpoints.save(
            self.objects,
            self.log.lease.job_id,
            epoch=self.log.lease.epoch,
            step=step,
            arrays=arrays,
            metadata={"data_sha256": data_sha256},
        )
        self.log.checkpoint(step, saved.manifest_key, saved.sha256, saved.size_bytes)
        checkpoints.prune(self.objects, saved.job_id, keep=KEPT_CHECKPOINTS)
        return saved

    def report(self, step: int, measured: Mapping[str, float]) -> None:
        """Record what was measured at a step."""
        self.log.metrics(step, measured)
