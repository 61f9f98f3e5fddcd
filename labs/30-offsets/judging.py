"""What a reader may see, and what a committed offset claims: the laws, and their picture."""

from __future__ import annotations

from veristack_lab.labs.checking import show
from veristack_lab.labs.pictures import of_partitions

from .world import POISON, tell, vector_of


class Reader:
    """Looks at the chunks after every commit, as search does.

    It knows every event there is. For each document it keeps the version that was visible last:
    the floor under which no reader may find itself again.
    """

    def __init__(self, world, events):
        self.world, self.floor, self.seen = world, {}, {}
        self.events = {}
        for event in events:
            self.know(event)
        world.after_commit, world.reader = self.look, self

    def know(self, event):
        known = self.events.setdefault(event.document, [])
        if event not in known:
            known.append(event)

    def text(self, document):
        """What search finds of a document; None if there is nothing."""
        return "".join(chunk.text for _, chunk in self._chunks(document)) or None

    def _chunks(self, document):
        rows = self.world.tables.get("chunks", {})
        return sorted((key[1], row) for key, row in rows.items() if key[0] == document)

    def version(self, document):
        """The version that search finds; 0 if it finds nothing, -1 if that is no version."""
        text = self.text(document)
        if text is None:
            return 0
        known = self.events.get(document, ())
        versions = sorted(event.version for event in known if event.text == text)
        floor = self.floor.get(document, 0)
        return next((v for v in versions if v >= floor), max(versions, default=-1))

    def look(self, changed):
        for document in sorted({key[0] for table, key in changed if table == "chunks"}):
            self.look_at(document)

    def look_at(self, document):
        self._whole(document)
        version, before = self.version(document), self.seen.get(document, 0)
        if not version and before:
            version = self._deleted_after(document, before)
        elif version and version < self.floor.get(document, 0):
            got = f"version {version} again: {show(self.text(document))}"
            expected = f"nothing older than version {self.floor[document]} of {document}"
            self.world.refuse(f"search reads {document}", expected, got)
        self.seen[document] = self.version(document)
        self.floor[document] = max(self.floor.get(document, 0), version)

    def _whole(self, document):
        given = f"search reads {document}"
        for number, chunk in self._chunks(document):
            if chunk.vector != vector_of(chunk.text):
                got = f"chunk {number}, {show(chunk.text)}, with the vector of another text"
                self.world.refuse(given, "each chunk's own vector", got)
        if self.version(document) < 0:
            expected = f"all chunks of one version of {document}, and no other"
            self.world.refuse(given, expected, show(self.text(document)))

    def _deleted_after(self, document, before):
        known = self.events.get(document, ())
        deletions = [e.version for e in known if not e.text and e.version > before]
        if not deletions:
            expected = f"version {before} of {document} until a newer one is whole"
            self.world.refuse(f"search reads {document}", expected, "nothing")
        return min(deletions)

    def is_settled(self, event):
        """Whether an event needs no more work."""
        version = self.version(event.document)
        if version > event.version or self.floor.get(event.document, 0) > event.version:
            return True
        if event in [letter.event for letter in self.world.all("dead_letters")]:
            return True
        if version == 0:
            # Deleted, or never there. Whether a deletion was applied cannot be seen from outside.
            known = self.events.get(event.document, ())
            return any(not e.text and e.version >= event.version for e in known)
        return version == event.version and self.text(event.document) == event.text

    def claim(self, event):
        """An offset behind this event was committed: no older version may appear any more."""
        if event not in [letter.event for letter in self.world.all("dead_letters")]:
            floor = self.floor.get(event.document, 0)
            self.floor[event.document] = max(floor, event.version)


def newest(events, document):
    """What search must find in the end: the newest text that the engine does not refuse."""
    mine = [e for e in events if e.document == document and POISON not in (e.text or "")]
    return (max(mine, key=lambda e: e.version).text or None) if mine else None


class Auditor:
    """Holds every commit of offsets to what it claims."""

    def __init__(self, world, reader):
        self.world, self.reader, self.at = world, reader, None
        world.group.judge = self.judge
        world.picture = self.picture

    def judge(self, seat, offsets):
        for partition, offset in offsets.items():
            given = f"{seat.access.name} commits offset {offset} of partition {partition}"
            self.at = (partition, offset)
            if self.world.group.owner.get(partition) is not seat:
                mine = show(seat.partitions())
                self.world.refuse(given, f"its own partitions only: {mine}", "another worker's")
            if offset < (committed := self.world.group.committed.get(partition, 0)):
                self.world.refuse(given, f"{committed} or more: so much is committed", "less")
            self._settled(given, partition, offset)
            if offset > self.world.log[partition].end:
                end = self.world.log[partition].end
                self.world.refuse(given, f"{end} at most: the log ends there", show(offset))
        self.at = None

    def _settled(self, given, partition, offset):
        for at, event in self.world.log[partition].records:
            if at < self.world.group.committed.get(partition, 0) or at >= offset:
                continue
            if not self.reader.is_settled(event):
                self.at = (partition, at)
                got = f"offset {at}, {tell(event)}, unfinished: after a crash it is lost"
                self.world.refuse(given, "everything below it applied, old or parked", got)
            self.reader.claim(event)

    def picture(self):
        """The partitions as they are."""
        rows = []
        for number, partition in enumerate(self.world.log):
            seat = self.world.group.owner.get(number)
            taken = seat.taken.get(number, ()) if seat is not None and seat.joined else ()
            cells = [
                (offset, "done" if self.reader.is_settled(event) else
                 "work" if offset in taken else "unread")
                for offset, event in partition.records
            ]  # fmt: skip
            rows.append((f"partition {number}", self.world.group.committed.get(number, 0), cells))
        return of_partitions("the partitions at this moment", rows, self.at)
