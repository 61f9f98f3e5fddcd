"""What makes a Kafka broker start quicker, made once at installation.

A formatted data folder saves one start of the JVM for each new broker. An ahead-of-time cache
(JEP 483, JEP 514) holds Kafka's classes loaded and linked, as a training run left them.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.backends import jars
from veristack_lab.backends.kafka_server import KafkaServer, ahead_of_time_cache
from veristack_lab.errors import BackendStartFailed
from veristack_lab.runtime.files import publish

TRAINING_STOP_S = 60.0
"""The JVM writes the cache while it ends."""


def ensure(scratch: Path) -> None:
    """Make what is missing, in a scratch folder of the same file system as the jars.

    Raises:
        BackendUnavailable: there is no Java.
        BackendStartFailed, ProcessDied: Kafka does not run here.
    """
    template = jars.folder() / "formatted"
    server = KafkaServer(scratch / "training")
    if not template.is_dir():
        server.write_properties((1, 2))  # ports are not part of what is formatted
        server.format()
        (scratch / "training" / "data").rename(template)
    cache = ahead_of_time_cache(server.java)
    if server.java.has_ahead_of_time_cache and not cache.is_file():
        written = scratch / "training.aot"
        server.start(f"-XX:AOTCacheOutput={written}")
        server.process().stop(TRAINING_STOP_S)
        if not written.is_file():
            raise BackendStartFailed(
                f"Java wrote no ahead-of-time cache:\n{server.process().log_tail()}"
            )
        publish(written, cache)
