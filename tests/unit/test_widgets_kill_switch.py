"""The kill switch over real child processes, without a browser."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.waiting import PATIENCE_S
from veristack_lab.errors import InvalidInput, ProcessDied, ViewClosed, WaitExpired
from veristack_lab.runtime import processes
from veristack_lab.widgets import Counters, KillSwitch, Tally, Target, from_child
from veristack_lab.widgets.snapshots import LOG_LINES

pytestmark = pytest.mark.crash

Spawn = Callable[[str], processes.Child]

SLEEPER = "import signal; signal.pause()"


@pytest.fixture
def spawn(folder: Path) -> Iterator[Spawn]:
    """Start real processes of a given name; all of them end with the test."""
    children: list[processes.Child] = []

    def start(name: str) -> processes.Child:
        child = processes.spawn(
            [sys.executable, "-S", "-c", SLEEPER], name=name, log_path=folder / f"{name}.log"
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.resume()
        child.kill()


@pytest.fixture
def switch(spawn: Spawn) -> Iterator[KillSwitch]:
    targets = [from_child(spawn(name), respawn=lambda n=name: spawn(n)) for name in ("a", "b")]
    with KillSwitch(targets, name="test") as opened:
        yield opened


def target(snapshot: dict[str, Any], name: str) -> dict[str, Any]:
    return next(t for t in snapshot["targets"] if t["name"] == name)


def texts(snapshot: dict[str, Any]) -> list[str]:
    return [line["text"] for line in snapshot["log"]]


def test_kill_really_kills_that_process_and_no_other(switch: KillSwitch) -> None:
    before = switch.snapshot()
    pid = target(before, "a")["pid"]
    assert psutil.pid_exists(pid)
    after = switch.do("kill", "a")
    assert not psutil.pid_exists(pid)
    assert (target(after, "a")["state"], target(after, "a")["deaths"]) == ("dead", 1)
    assert target(after, "b") == target(before, "b")
    assert texts(after) == [f"a: killed with SIGKILL, process {pid}"]


def test_restart_brings_another_process_back(switch: KillSwitch) -> None:
    first = target(switch.snapshot(), "a")["pid"]
    switch.do("kill", "a")
    after = target(switch.do("restart", "a"), "a")
    assert after["state"] == "alive"
    assert after["pid"] != first
    assert psutil.pid_exists(after["pid"])
    assert after["deaths"] == 1


def test_restart_of_a_living_process_kills_it_first(switch: KillSwitch) -> None:
    first = target(switch.snapshot(), "a")["pid"]
    after = target(switch.do("restart", "a"), "a")
    assert not psutil.pid_exists(first)
    assert (after["state"], after["deaths"]) == ("alive", 1)


def test_pause_stops_the_process_and_resume_lets_it_go_on(switch: KillSwitch) -> None:
    pid = target(switch.snapshot(), "a")["pid"]
    assert target(switch.do("pause", "a"), "a")["state"] == "paused"
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert target(switch.do("resume", "a"), "a")["state"] == "alive"
    assert psutil.Process(pid).status() != psutil.STATUS_STOPPED
    assert target(switch.snapshot(), "a")["deaths"] == 0


def test_a_paused_process_can_be_killed(switch: KillSwitch) -> None:
    switch.send("pause", "a")
    assert target(switch.do("kill", "a"), "a")["state"] == "dead"


def test_a_process_that_dies_by_itself_is_seen(switch: KillSwitch) -> None:
    psutil.Process(target(switch.snapshot(), "b")["pid"]).kill()
    seen = switch.wait_for(lambda s: target(s, "b")["state"] == "dead")
    assert "b is dead, without being told to" in texts(seen)


def test_a_click_is_the_same_command(switch: KillSwitch) -> None:
    # What the browser's message does on the kernel's side.
    switch._handle_custom_msg({"op": "kill", "target": "a"}, [])
    seen = switch.wait_for(lambda s: s["done"] == 1)
    assert target(seen, "a")["state"] == "dead"


@pytest.mark.parametrize(
    "content",
    [{"op": "explode", "target": "a"}, {"op": "kill", "target": "zzz"}, {"op": ["kill"]}, {}],
)
def test_nonsense_from_the_wire_is_refused_in_the_log(
    switch: KillSwitch, content: dict[str, Any]
) -> None:
    switch._handle_custom_msg(content, [])
    seen = switch.wait_for(lambda s: bool(s["log"]))
    assert texts(seen)[0].startswith("refused: there is no")
    assert {t["state"] for t in seen["targets"]} == {"alive"}


def test_nonsense_from_a_script_raises_where_it_was_said(switch: KillSwitch) -> None:
    with pytest.raises(InvalidInput, match="there are kill, pause, resume, restart"):
        switch.send("explode", "a")
    with pytest.raises(InvalidInput, match="there are a, b"):
        switch.send("kill", "c")


def test_a_command_that_fails_is_logged_and_the_view_lives_on(switch: KillSwitch) -> None:
    switch.do("kill", "a")
    failed = switch.do("pause", "a")
    assert texts(failed)[-1].startswith("a: pause failed: InvalidInput: a is not running")
    assert target(switch.do("kill", "b"), "b")["state"] == "dead"


def test_what_cannot_be_restarted_says_so(spawn: Spawn) -> None:
    with KillSwitch([from_child(spawn("a"))], name="test") as switch:
        assert target(switch.snapshot(), "a")["verbs"] == ["kill", "pause", "resume"]
        with pytest.raises(InvalidInput, match="restart cannot be done to a here"):
            switch.send("restart", "a")


def test_a_respawn_that_fails_leaves_the_target_dead(spawn: Spawn) -> None:
    def fail() -> processes.Child:
        raise ProcessDied("it ended before it was ready")

    with KillSwitch([from_child(spawn("a"), respawn=fail)], name="test") as switch:
        seen = switch.do("restart", "a")
    assert target(seen, "a")["state"] == "dead"
    assert texts(seen) == ["a: restart failed: ProcessDied: it ended before it was ready"]


def test_closing_ends_what_restart_started_and_leaves_the_rest(spawn: Spawn) -> None:
    kept, lost = spawn("kept"), spawn("lost")
    switch = KillSwitch(
        [from_child(kept, lambda: spawn("kept")), from_child(lost, lambda: spawn("lost"))],
        name="test",
    )
    respawned = target(switch.do("restart", "lost"), "lost")["pid"]
    switch.do("pause", "lost")
    switch.close()
    assert kept.alive
    assert not psutil.pid_exists(respawned)
    last = switch.snapshot()  # what is shown from now on is true
    assert target(last, "lost")["state"] == "dead"
    assert f"lost: ended with this view, process {respawned}" in texts(last)


def test_a_closed_view_shows_it_and_obeys_no_more(switch: KillSwitch) -> None:
    switch.send("kill", "a")
    switch.close()
    switch.close()
    last = switch.snapshot()
    assert last["closed"]
    assert target(last, "a")["state"] == "dead"  # what had been asked was still done
    assert switch.state == last  # and the display was told
    with pytest.raises(ViewClosed):
        switch.send("kill", "b")
    switch._handle_custom_msg({"op": "kill", "target": "b"}, [])
    assert switch.snapshot() == last
    with pytest.raises(WaitExpired, match="the view is closed; last seen: a dead, b alive"):
        switch.wait_for(lambda s: False)


def test_a_wait_that_expires_says_what_was_seen(switch: KillSwitch) -> None:
    with pytest.raises(WaitExpired, match="last seen: a alive, b alive"):
        switch.wait_for(lambda s: False, timeout_s=0.05)


def test_a_new_view_of_the_same_name_closes_the_older(spawn: Spawn) -> None:
    child = spawn("a")
    older = KillSwitch([from_child(child)], name="again")
    other = KillSwitch([from_child(child)], name="another")
    newer = KillSwitch([from_child(child)], name="again")
    assert [v.snapshot()["closed"] for v in (older, other, newer)] == [True, False, False]
    assert older.comm is None
    newer.close()
    other.close()


def test_no_thread_is_left_behind(spawn: Spawn) -> None:
    before = set(threading.enumerate())
    probe = Tally()
    with KillSwitch([from_child(spawn("a"))], probe, name="threads"):
        started = set(threading.enumerate()) - before
        assert {t.name for t in started} == {"view-threads", "probe-threads"}
    for thread in started:
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive()


def test_the_counters_of_the_probe_are_shown(spawn: Spawn) -> None:
    tally = Tally()
    with KillSwitch([from_child(spawn("a"))], tally, name="test") as switch:
        assert target(switch.snapshot(), "a")["served"] is None
        tally.served("a")
        tally.failed("a")
        tally.served("a")
        seen = switch.wait_for(lambda s: target(s, "a")["served"] == 2)
        assert target(seen, "a")["failed"] == 1


def test_a_probe_that_fails_is_said_once_and_a_probe_that_hangs_holds_nothing_up(
    spawn: Spawn,
) -> None:
    hang, calls = threading.Event(), []

    def probe() -> dict[str, Counters]:
        calls.append(1)
        if len(calls) < 4:
            raise OSError("the port does not answer")
        hang.wait()
        return {}

    with KillSwitch([from_child(spawn("a"))], probe, name="test") as switch:
        switch.wait_for(lambda s: len(calls) == 4)
        seen = switch.do("kill", "a")
        assert target(seen, "a")["state"] == "dead"
        assert sum("the probe failed: OSError" in text for text in texts(seen)) == 1
    hang.set()


def test_what_is_published_is_ordered_and_coalesced(switch: KillSwitch) -> None:
    published: list[int] = []
    switch.observe(lambda change: published.append(change["new"]["seq"]), "state")
    numbers = [switch.send(op, "a") for op in ("pause", "resume") * 40]
    last = switch.wait_for(lambda s: s["done"] == numbers[-1])
    seen_by_display = switch.wait_for(lambda s: bool(published) and published[-1] >= last["seq"])
    assert published == sorted(set(published))
    assert len(published) < len(numbers)  # 80 commands did not make 80 drawings
    assert len(seen_by_display["log"]) == LOG_LINES


def test_snapshots_are_the_callers_own(switch: KillSwitch) -> None:
    switch.snapshot()["targets"] = []
    assert len(switch.snapshot()["targets"]) == 2
    assert json.dumps(switch.snapshot())


def test_the_text_form_is_stable(switch: KillSwitch) -> None:
    assert repr(switch) == "<KillSwitch test: a, b>"
    switch.do("kill", "a")
    assert switch._repr_mimebundle_()[0]["text/plain"] == "<KillSwitch test: a, b>"


def test_targets_satisfy_the_protocol(spawn: Spawn) -> None:
    assert isinstance(from_child(spawn("a")), Target)


def test_names_must_differ_and_exist(spawn: Spawn) -> None:
    with pytest.raises(InvalidInput, match="a name of its own"):
        KillSwitch([from_child(spawn("a")), from_child(spawn("a"))], name="test")
    with pytest.raises(InvalidInput, match="at least one"):
        KillSwitch([], name="test")


def test_a_server_killed_by_the_switch_answers_no_more_and_answers_again(folder: Path) -> None:
    port = processes.free_port()
    url = f"http://127.0.0.1:{port}/"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def serve() -> processes.Child:
        argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
        child = processes.spawn(argv, name="files", log_path=folder / "log", cwd=folder)
        processes.wait_until_ready(child, answers)
        return child

    with serve() as child, KillSwitch([from_child(child, serve)], name="server") as switch:
        assert answers()
        switch.do("kill", "files")
        assert not answers()
        switch.do("restart", "files")
        assert answers()
    assert not answers()
