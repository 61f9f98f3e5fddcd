"""The mutants: which line, what instead of it, and which tests notice."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One broken line."""

    layer: str
    name: str
    """What is no longer done."""
    snippet: str
    """Occurs exactly once in the package, in whatever file: files may move."""
    instead: str
    tests: tuple[str, ...]
    """Paths and pytest ids, of which at least one test must fail."""
    needs: str = ""
    """"postgres" for tests that start a server."""


GUARDS = ("tests/unit/test_veristore_guards.py",)
FORKS = ("tests/unit/test_veristore_forks.py",)
PENDING = ("tests/unit/test_veristore_pending.py",)
READ_ONLY = ("tests/unit/test_veristore_read_only.py",)
CLIENTS = ("tests/unit/test_veristore_server_clients.py",)
ROUTER = ("tests/unit/test_llmcache_router.py",)
ADMISSION = ("tests/unit/test_llmcache_admission.py",)
SAVED = ("tests/unit/test_veriflow_checkpoints.py",)
LIFECYCLE = (
    "tests/unit/test_veriflow_lifecycle.py",
    "tests/property/test_veriflow_lifecycle_laws.py",
)
JOBS = ("tests/backends/test_veriflow_jobs.py",)
RETRY = ("tests/property/test_smartsearch_retry.py",)
DOCUMENTS = ("tests/backends/test_smartsearch_postgres.py",)

RAFT_DISK = (
    "tests/unit/test_raft_storage.py",
    "tests/unit/test_raft_storage_power_cuts.py",
)
RAFT_MACHINE = ("tests/unit/test_raft_machine.py",)
RAFT_NODE = ("tests/unit/test_raft_node.py",)

_RETRY_THRESHOLD = "            self._due_bytes = self.log_bytes + self._limit_bytes\n"
_PUBLISHED_NAME = (
    "        self._disk.rename(temporary, path_of(self._folder, lsn))\n"
    "        self._disk.fsync_dir(self._folder)\n"
)

MUTANTS = [
    Mutant("veristore", "a short write goes on", "if written != len(data):", "if False:", GUARDS),
    Mutant(
        "veristore",
        "the rest of a short write goes behind what was written",
        "rest, offset = rest[written:], offset + written",
        "rest, offset = rest[written:], offset",
        GUARDS,
    ),
    Mutant(
        "veristore",
        "a disk that takes nothing is an error",
        'raise OSError(errno.EIO, "the disk takes no more bytes", str(self.path))',
        "return",
        GUARDS,
    ),
    Mutant(
        "veristore",
        "a checkpoint that found no room waits until the log has grown",
        _RETRY_THRESHOLD,
        "",
        GUARDS,
    ),
    Mutant(
        "veristore",
        "a checkpoint prunes versions",
        "        self._views.prune()\n",
        "",
        GUARDS,
    ),
    Mutant(
        "veristore", "the oldest view takes its versions", "elif was_oldest:", "elif False:", GUARDS
    ),
    Mutant(
        "veristore",
        "a version is kept for a view since the change before",
        "                since = lsn\n",
        "",
        GUARDS,
    ),
    Mutant(
        "veristore",
        "a commit is synced",
        "is_sync_due = log.unsynced + len(kinds) >= self._writes_per_sync",
        "is_sync_due = False",
        ("tests/unit/test_veristore_kv.py", "tests/unit/test_veristore_durability.py"),
    ),
    Mutant(
        "veristore",
        "a failed append is undone",
        "            interrupt = self._take_back() or interrupt\n",
        "            pass\n",
        ("tests/unit/test_veristore_commit.py", "tests/unit/test_veristore_failure.py"),
    ),
    Mutant(
        "veristore",
        "the name of a snapshot is durable before the old log goes",
        _PUBLISHED_NAME,
        _PUBLISHED_NAME.splitlines()[0] + "\n",
        ("tests/unit/test_veristore_checkpoints.py", "tests/unit/test_sim_sweep.py"),
    ),
    Mutant(
        "veristore",
        "recovery syncs the names it found",
        "        self.keep_names()\n",
        "",
        ("tests/unit/test_veristore_recovery.py", "tests/unit/test_museum_exhibits.py"),
    ),
    Mutant(
        "veristore",
        "damage in the middle is told from a torn tail",
        'return "" if later is None else bad + f"good records follow from byte {later}"',
        'return ""',
        ("tests/unit/test_veristore_recovery.py", "tests/unit/test_veristore_failure.py"),
    ),
    Mutant(
        "veristore",
        "content with a reader stays",
        "return [content_id for content_id in ids if content_id not in self._pins]",
        "return ids",
        (
            "tests/unit/test_veristore_objects_races.py",
            "tests/unit/test_veristore_objects_content.py",
        ),
    ),
    Mutant(
        "veristore",
        "the collector spares puts in flight",
        "return self._in_flight | self._unsettled",
        "return set()",
        ("tests/unit/test_veristore_objects_races.py",),
    ),
    Mutant(
        "veristore",
        "a fork is refused",
        "        self._look_up = self._look_up_closed\n        self._close_lock,",
        "        self._close_lock,",
        FORKS,
    ),
    Mutant(
        "veristore",
        "the owner unlocks for all copies of its lock",
        "                fcntl.flock(fd, fcntl.LOCK_UN)\n",
        "                pass\n",
        FORKS,
    ),
    Mutant(
        "veristore",
        "a thread waits for room",
        "return len(self._waiters) >= (self._limit if limit is None else limit)",
        "return False",
        PENDING,
    ),
    Mutant(
        "veristore",
        "the thread that commits does not wait for itself",
        "return all(waiter.thread != this for waiter in (*leads, *self._queue))",
        "return True",
        PENDING,
    ),
    Mutant(
        "veristore",
        "damage that one look alone sees is not believed",
        "if not faults or faults == before:",
        "if True:",
        READ_ONLY,
    ),
    Mutant(
        "veristore",
        "what a read-only view shows is durable",
        "                found.used[-1].file.fdatasync()\n",
        "                pass\n",
        READ_ONLY,
    ),
    Mutant(
        "veristore",
        "HTTP is hung up on",
        "if refusal := other_protocol(line[:-1]):",
        "if refusal := '':",
        CLIENTS,
    ),
    Mutant(
        "veristore",
        "late clients are cut off",
        "            self._connections[task].transport.abort()\n",
        "            pass\n",
        CLIENTS,
    ),
    Mutant(
        "veristore",
        "a stopped server takes no further command",
        "while not stop.is_set():\n                line = await",
        "while True:\n                line = await",
        CLIENTS,
    ),
    Mutant(
        "llmcache",
        "a dead node is not looked at",
        "alive = [n for n in serving if n.alive and n.node_id not in self.request.excluded]",
        "alive = [n for n in serving if n.node_id not in self.request.excluded]",
        ROUTER,
    ),
    Mutant(
        "llmcache",
        "a node that failed the request is left out",
        "alive = [n for n in serving if n.alive and n.node_id not in self.request.excluded]",
        "alive = [n for n in serving if n.alive]",
        ROUTER,
    ),
    Mutant(
        "llmcache",
        "a small shared start does not draw everything to one node",
        "if held < self.small_share * prefix.tokens and node.active > fewest:",
        "if False:",
        ROUTER,
    ),
    Mutant(
        "llmcache",
        "admission has a limit",
        "if self.active >= self._limit:",
        "if False:",
        ADMISSION,
    ),
    Mutant("llmcache", "a place is given back", "        self.active -= 1\n", "", ADMISSION),
    Mutant(
        "veriflow",
        "attempts have an end",
        "if retryable and status.attempts < status.max_attempts:",
        "if retryable:",
        LIFECYCLE,
    ),
    Mutant(
        "veriflow",
        "a released run spends an attempt",
        "state=JobState.QUEUED, attempts=status.attempts - 1)",
        "state=JobState.QUEUED, attempts=status.attempts)",
        LIFECYCLE,
    ),
    Mutant(
        "veriflow",
        "only an accepted checkpoint counts",
        "if accept is None or accept(saved):",
        "if True:",
        SAVED,
    ),
    Mutant(
        "veriflow",
        "at least two checkpoints are kept",
        "    if keep < 2:\n",
        "    if False:\n",
        SAVED,
    ),
    Mutant(
        "veriflow",
        "a lease that ran out is not extended",
        '" and lease_expires_at > clock_timestamp() returning run_id",',
        '" returning run_id",',
        JOBS,
        needs="postgres",
    ),
    Mutant(
        "veriflow",
        "nothing is accepted after the lease",
        '    if not row["in_time"]:\n',
        "    if False:\n",
        JOBS,
        needs="postgres",
    ),
    Mutant(
        "smartsearch",
        "attempts have an end",
        "if attempts >= policy.max_attempts:",
        "if False:",
        RETRY,
    ),
    Mutant(
        "smartsearch",
        "a refused text is given up sooner",
        "if cause is Cause.REFUSED and refusals >= policy.max_refusals:",
        "if False:",
        RETRY,
    ),
    Mutant(
        "smartsearch",
        "a pause has a cap",
        "return min(self.cap_s, self.base_s * float(2**doublings))",
        "return self.base_s * float(2**doublings)",
        RETRY,
    ),
    Mutant(
        "smartsearch",
        "search sees the passages of READY documents only",
        # The schema ties the two conditions together, so that one alone hides as much.
        'AND c.version = d.ready_version"\n'
        "        \"  WHERE d.tenant_id = %(tenant)s AND d.status = 'READY'\"",
        '"\n        "  WHERE d.tenant_id = %(tenant)s"',
        DOCUMENTS,
        needs="postgres",
    ),
    Mutant(
        "smartsearch",
        "a document is announced with its row",
        '            outbox.announce_documents(conn, [(tenant_id, row["id"])])\n',
        "",
        DOCUMENTS,
        needs="postgres",
    ),
    Mutant(
        "veriflow",
        "two schedulers do not claim one job",
        "limit %s for no key update skip locked",
        "limit %s",
        JOBS,
        needs="postgres",
    ),
    Mutant(
        "smartsearch",
        "search sees one tenant's documents only",
        "WHERE d.tenant_id = %(tenant)s AND d.status = 'READY'\"",
        "WHERE %(tenant)s::text IS NOT NULL AND d.status = 'READY'\"",
        DOCUMENTS,
        needs="postgres",
    ),
    Mutant(
        "veristore",
        "term and vote of a Raft node are taken from behind damage",
        "                    state.set_term(*records.decode_term(payload))\n",
        "",
        RAFT_DISK,
    ),
    Mutant(
        "veristore",
        "a mark of damage goes into the new segment",
        "            *(damage.encode() for damage in self.damages),\n",
        "",
        RAFT_DISK,
    ),
    Mutant(
        "veristore",
        "the folder of another Raft node is refused",
        "elif found[:2] != wanted[:2]:",
        "elif False:",
        RAFT_DISK,
    ),
    Mutant(
        "veristore",
        "a snapshot has the checksum that was announced",
        "if checksum != meta.checksum:",
        "if False:",
        RAFT_DISK,
    ),
    Mutant(
        "veristore",
        "a chunk that leaves a gap is not written",
        "        if offset == held:\n",
        "        if offset >= held:\n",
        RAFT_DISK,
    ),
    Mutant(
        "veristore",
        "a command that is repeated is not executed again",
        "        if remembered is not None:\n            return remembered\n",
        "",
        RAFT_MACHINE,
    ),
    Mutant(
        "veristore",
        "the time of the log never goes back",
        "if time_ms <= self.time_ms:",
        "if time_ms == self.time_ms:",
        RAFT_MACHINE,
    ),
    Mutant(
        "veristore",
        "a client's entry is known by its term too",
        "if term == entry.term:",
        "if True:",
        RAFT_NODE,
    ),
    Mutant(
        "veristore",
        "a verified snapshot is kept until it is installed",
        "self.snapshots.keep_only([*self.storage.state.snapshots, *verified])",
        "self.snapshots.keep_only(self.storage.state.snapshots)",
        RAFT_NODE,
    ),
    Mutant(
        "veristore",
        "messages of another cluster do not reach the core",
        "if cluster_id != self.recovered.identity.cluster_id:",
        "if False:",
        RAFT_NODE,
    ),
]
