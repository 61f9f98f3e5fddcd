"""Reading a store back: the newest snapshot, then the log behind it.

First everything is read and judged (`examine`), and not a byte changed; then what was found is
settled (`settle`): a torn tail is cut off, damage is repaired (see `repair`), the log opened
for appending. So a mode that refuses has touched nothing, and `recover_report` says what opening
would give, without opening.

Each step is an override point (see `museum`).

What cannot be noticed without a second copy: rot inside the last commit group of a store that
was killed (it looks torn), a cut at a record's end in the newest segment, and the newest
segment's absence while no snapshot names it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from veristack_lab.errors import NotAStore, StoreCorrupt, StoreDamaged
from veristack_lab.kernels import records
from veristack_lab.veristore.memtable import snapshot
from veristack_lab.veristore.recovery import repair
from veristack_lab.veristore.recovery.damage import Damage, RecoveryMode, list_evidence
from veristack_lab.veristore.recovery.findings import FIRST_EPOCH, Files, Findings, Hole, Segment
from veristack_lab.veristore.recovery.salvage import whole_records
from veristack_lab.veristore.recovery.settling import Recovered, Settler
from veristack_lab.veristore.recovery.snapshot_reader import load
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.segment import (
    GROUP_START,
    HEADER_BYTES,
    TEMPORARY,
    Window,
    decode_header,
    find_later_group,
    read_records,
    refuse_newer,
    unread_bytes,
)


class Recoverer(Settler):
    """Recovers one folder.

    Args:
        disk: where the folder is.
        folder: the store's, locked by the caller.
        mode: what to do about damage.
        log_type: the class of log to open for appending.
        snapshot_type: the class that writes a snapshot if a repair needs one.
    """

    def recover(self) -> Recovered:
        """Read everything, then make the folder fit for appending.

        A torn tail is cut off, and the cut synced, before this returns: so before anything
        new is appended. Repaired damage is reported by a `StoreDamaged` warning.

        Raises:
            StoreCorrupt: the mode refuses what was found; nothing was changed.
            NotAStore: a file is of a newer version, or no file is a store's.
            OSError: the disk failed.
        """
        with self.examine() as found:
            log, snapshot_lsn = self.settle(found)
            try:
                self._warn(found)
            except BaseException:
                log.close()
                raise
        return Recovered(
            log,
            found.contents(),
            snapshot_lsn,
            found.records,
            found.torn_bytes,
            HEADER_BYTES if found.first_damaged is not None else found.log_bytes,
            found.is_clean,
            tuple(found.damage),
        )

    # ----------------------------------------------------------------- examining

    @contextmanager
    def examine(self) -> Iterator[Findings]:
        """Read and judge the whole folder; changes nothing. Its files are open meanwhile.

        Raises:
            StoreCorrupt, NotAStore, OSError: see `recover`.
        """
        found = Findings(self.list_files())
        if found.is_new and found.files.evidence:
            raise StoreCorrupt(
                f"{self._folder} holds damaged files only; restore a copy of the store"
            )
        try:
            if not found.is_new:
                self.load_snapshot(found)
                self.choose_segments(found)
                self._read_segments(found)
                self._check_fallback(found)
            yield found
        finally:
            found.close_files()

    def list_files(self) -> Files:
        """What is in the folder."""
        names = self._disk.listdir(self._folder)
        return Files(
            snapshot.list_lsns(names),
            wal.list_epochs(names),
            list_evidence(names),
            [name for name in names if name.endswith(TEMPORARY)],
        )

    def load_snapshot(self, found: Findings) -> None:
        """Load the newest snapshot that is whole."""
        for lsn in reversed(found.files.snapshots):
            try:
                loaded = load(self._disk, self._folder, lsn)
            except StoreCorrupt as error:
                self._refuse(str(error))
                found.bad_snapshots[lsn] = str(error)
                continue
            found.snapshot, found.values = loaded.header, loaded.values
            found.next_lsn = lsn + 1
            return

    def choose_segments(self, found: Findings) -> None:
        """Open the segments that the snapshot does not make useless."""
        first = found.snapshot.epoch if found.snapshot else 0
        kept_from = found.snapshot.damaged_from if found.snapshot else 0
        for epoch in found.files.epochs:
            if epoch >= first:
                found.used.append(self.open_segment(epoch))
            elif kept_from and epoch >= kept_from:
                found.put_aside.append(epoch)
            else:
                found.stale.append(epoch)
        if found.used and repair.is_leftover(found.used[-1], found):
            found.leftover = found.used.pop()
        if not found.snapshot and not any(segment.header for segment in found.used):
            self._refuse_foreign(found.used)

    def open_segment(self, epoch: int) -> Segment:
        """Read the header of one segment."""
        path = wal.path_of(self._folder, epoch)
        file = self._disk.open(path)
        try:
            data = file.read(0, HEADER_BYTES)
        finally:
            file.close()
        refuse_newer(data, path.name)
        try:
            header = decode_header(data, path.name)
        except (StoreCorrupt, NotAStore) as error:
            return Segment(self._disk, self._folder, epoch, None, str(error))
        return Segment(self._disk, self._folder, epoch, header)

    def _refuse_foreign(self, used: list[Segment]) -> None:
        """Leave a folder alone in which no file looks like a store's."""
        refusal: NotAStore | None = None
        for segment in used:
            try:
                decode_header(segment.file.read(0, HEADER_BYTES), segment.name)
            except StoreCorrupt:
                return
            except NotAStore as error:
                refusal = error
            finally:
                segment.close()
        if refusal:
            raise refusal

    def _read_segments(self, found: Findings) -> None:
        if not found.used:
            epoch = found.snapshot.epoch if found.snapshot else FIRST_EPOCH
            name = wal.path_of(Path(), epoch).name
            self._meet_damage(Hole(name, 0, found.next_lsn, "the segment is missing"), epoch, found)
        if self._mode is RecoveryMode.SKIP_ANY_CORRUPTED:
            # Under wrong names or not: all that is whole is wanted, in the order of writing.
            found.used.sort(key=lambda one: one.header.epoch if one.header else one.epoch)
        for segment in found.used:
            if found.hole and self._mode is RecoveryMode.POINT_IN_TIME:
                self._look_behind(segment, HEADER_BYTES, found)
            else:
                self._read_segment(segment, found)
            if segment is not found.used[-1]:
                segment.close()
        if found.hole:
            self._close_hole(found, found.last_lsn)

    def _read_segment(self, segment: Segment, found: Findings) -> None:
        if found.hole and segment.header and segment.header.first_lsn >= found.next_lsn:
            found.next_lsn = segment.header.first_lsn
            self._close_hole(found, found.last_lsn)
        reason, offset = self.check_place(segment, found.next_lsn), 0
        if not reason:
            stop = self.replay_segment(segment, found)
            is_last = segment is found.used[-1]
            reason, offset = self.judge_stop(segment, found, stop, is_last), found.end_offset
            if not reason and stop is not records.Stop.END:
                self.accept_torn_tail(segment, found)
        if reason:
            hole = Hole(segment.name, offset, found.next_lsn, reason)
            self._meet_damage(hole, segment.epoch, found)
            if self._mode is RecoveryMode.SKIP_ANY_CORRUPTED:
                self._salvage(segment, max(offset, HEADER_BYTES), found)
            else:
                self._look_behind(segment, max(offset, HEADER_BYTES), found)

    def check_place(self, segment: Segment, next_lsn: int) -> str:
        """What is wrong with a segment that should hold this LSN first; empty if nothing."""
        header = segment.header
        if header is None:
            return segment.error
        if (header.epoch, header.first_lsn) == (segment.epoch, next_lsn):
            return ""
        return (
            f"{segment.name} says epoch {header.epoch}, first LSN {header.first_lsn}; expected are "
            f"{segment.epoch} and {next_lsn}: a segment is missing or misplaced"
        )

    def replay_segment(self, segment: Segment, found: Findings) -> records.Stop:
        """Apply a segment's records up to the first bad one. Returns why it ended."""
        for window in read_records(segment.file, segment.epoch, found.next_lsn):
            found.apply(window)
            if len(window.decoded):
                found.last_kind = int(window.decoded.types[-1]) & ~GROUP_START
        found.end_offset, found.next_lsn = window.end_offset, window.next_lsn
        found.log_bytes += window.end_offset
        return window.decoded.stop

    def judge_stop(
        self, segment: Segment, found: Findings, stop: records.Stop, is_last: bool
    ) -> str:
        """Why what follows the last good record is damage; empty if it is not.

        A torn tail is not damage: nothing in it was ever acknowledged.
        """
        if stop is records.Stop.END:
            return ""
        end, due = found.end_offset, found.next_lsn
        if self.is_room(segment, found):
            return ""
        bad = f"the record with LSN {due} is due there ({stop.name}), and "
        if not is_last:
            return bad + "a later segment exists"
        if stop is records.Stop.WRONG_LSN:
            return bad + "a record with another LSN stands there"
        later = find_later_group(segment.file, segment.epoch, end, due)
        return "" if later is None else bad + f"good records follow from byte {later}"

    def is_room(self, segment: Segment, found: Findings) -> bool:
        """Whether nothing but zeros follows the last good record, and no record is missing."""
        if unread_bytes(segment.file, found.end_offset):
            return False
        behind = found.used[found.used.index(segment) + 1 :]
        return all(
            one.header is None or one.header.first_lsn == found.next_lsn for one in behind[:1]
        )

    def accept_torn_tail(self, segment: Segment, found: Findings) -> None:
        """Note how much is to be cut off, unless the mode refuses that."""
        found.torn_bytes = unread_bytes(segment.file, found.end_offset)
        if found.torn_bytes and self._mode is RecoveryMode.ABSOLUTE_CONSISTENCY:
            self._refuse(f"{segment.name} has a torn tail of {found.torn_bytes:,} bytes")

    # -------------------------------------------------------------------- damage

    def _refuse(self, what: str) -> None:
        if self._mode.refuses_damage:
            raise StoreCorrupt(
                f"{what}. Nothing was changed. Restore a copy of the store, or see with "
                "`veristack store verify` what another recovery mode would save"
            )

    def _meet_damage(self, hole: Hole, epoch: int, found: Findings) -> None:
        self._refuse(f"{hole.segment} is damaged at byte {hole.offset}: {hole.reason}")
        if found.first_damaged is None or epoch < found.first_damaged:
            found.first_damaged = epoch
        if found.hole:
            self._close_hole(found, found.last_lsn)
        found.hole = hole

    def _close_hole(self, found: Findings, last_lost_lsn: int) -> None:
        if found.hole:
            found.damage.append(found.hole.to(last_lost_lsn))
        found.hole = None

    def _look_behind(self, segment: Segment, offset: int, found: Findings) -> None:
        """Find the highest LSN in the log: no LSN that was ever seen may be given again."""
        if segment.header:
            found.next_lsn = max(found.next_lsn, segment.header.first_lsn)
        for window in self._whole_records(segment, offset, found.next_lsn):
            found.next_lsn = window.next_lsn

    def _salvage(self, segment: Segment, offset: int, found: Findings) -> None:
        """Apply every whole record behind damage."""
        if segment.header and segment.header.first_lsn > found.next_lsn:
            found.next_lsn = segment.header.first_lsn
            self._close_hole(found, found.last_lsn)
        for window in self._whole_records(segment, offset, found.next_lsn):
            if not found.hole and window.first_lsn > found.next_lsn:
                found.hole = Hole(segment.name, offset, found.next_lsn, "no whole record is here")
            self._close_hole(found, window.first_lsn - 1)
            found.apply(window)
            found.next_lsn, offset = window.next_lsn, window.end_offset
        rest_bytes = unread_bytes(segment.file, offset)
        if segment is found.used[-1]:
            found.torn_bytes = rest_bytes
        elif rest_bytes and not found.hole:
            found.hole = Hole(segment.name, offset, found.next_lsn, "no whole record is here")

    def _whole_records(self, segment: Segment, offset: int, due_lsn: int) -> Iterator[Window]:
        epoch = segment.header.epoch if segment.header else segment.epoch
        buffer = segment.file.read(0, segment.file.size())
        return whole_records(buffer, offset, epoch, due_lsn)

    def _check_fallback(self, found: Findings) -> None:
        """An older snapshot will do if the log behind it goes on as far as the newer one."""
        for lsn, error in found.bad_snapshots.items():
            if found.damage or found.last_lsn < lsn:
                raise StoreCorrupt(f"{error}. The log does not cover what it held")
        for lsn, error in found.bad_snapshots.items():
            name = snapshot.path_of(Path(), lsn).name
            found.damage.append(Damage(name, 0, lsn + 1, lsn, error))

    def _warn(self, found: Findings) -> None:
        if found.damage:
            kept = ", ".join(sorted(repair.names_of_evidence(found).values()))
            warnings.warn(
                f"{self._folder} was damaged and is repaired: "
                + "; ".join(map(str, found.damage))
                + f". The damaged files are kept as {kept or 'nothing: they are gone'}",
                StoreDamaged,
                stacklevel=6,
            )
