"""The drill of notebook 00: a real object store's process, killed and paused."""

from __future__ import annotations

from pathlib import Path

import pytest

from veristack_lab.widgets import ObjectStoreDrill, promises
from veristack_lab.widgets.counters import Counters

pytestmark = pytest.mark.crash


def test_a_drill_tells_a_dead_server_from_a_paused_one(tmp_path: Path) -> None:
    letter = b"Dear reader, this was acknowledged."
    with ObjectStoreDrill(tmp_path) as drill:
        drill.call(drill.objects.create_bucket, "letters")
        drill.call(drill.objects.put, "letters", "first", letter)
        dead_state = drill.do("kill")
        killed = drill.call(drill.objects.get, "letters", "first")
        assert drill.do("restart") == "alive"
        restarted = drill.call(drill.objects.get, "letters", "first")
        paused_state = drill.do("pause")
        paused = drill.call(drill.objects.get, "letters", "first")
        drill.do("resume")
        resumed = drill.call(drill.objects.get, "letters", "first")
        story = drill.story()
        assert drill.tally() == {"object-store": Counters(served=4, failed=2)}
    states = (dead_state, paused_state)
    assert promises.object_outlives_its_server(letter, killed, restarted).kept
    assert promises.dead_is_told_from_paused(states, killed, paused, resumed).kept
    server = story[story["lane"] == "server"]
    assert server["what"].tolist() == ["alive", "dead", "alive", "paused", "alive"]
    assert (server["start_s"].iloc[1:].to_numpy() == server["end_s"].iloc[:-1].to_numpy()).all()
    client = story[story["lane"] == "client"]
    assert client["what"].tolist() == ["answered", "answered", "gave up", "answered", "gave up",
                                       "answered"]  # fmt: skip
