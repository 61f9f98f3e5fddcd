"""The Kafka broker that the lab starts: one process, broker and controller in one (KRaft).

Nothing outside the given folder is written: data, log, temporary files and crash reports of
the JVM are all below it. Only loopback is listened on.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from veristack_lab.backends import jars
from veristack_lab.backends.java import Java, find_java
from veristack_lab.backends.ports import start_on_free_ports
from veristack_lab.errors import BackendError, BackendStartFailed, BackendUnavailable
from veristack_lab.runtime.files import folder_made_aside
from veristack_lab.runtime.processes import Child, spawn, stretched, wait_until_ready

INSTALL_COMMAND = "veristack backends install kafka"
FORMAT_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 60.0
STOP_GRACE_S = 10.0
METADATA_TIMEOUT_MS = 3000

JVM_FLAGS = (
    "-Xms32m",
    "-Xmx160m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",  # else a SIGKILL leaves a file in the system's temporary folder
    "-Djava.awt.headless=true",
)
MODERN_JVM_FLAGS = (
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Xlog:disable",
)
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    # The default buffer alone would not fit the heap above.
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.index.size.max.bytes": "102400",
    # After a SIGKILL the new broker waits until the old one's session has ended.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "500",
}
LOG4J = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %c{1} - %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


class KafkaServer:
    """One broker on a folder. Not running until `start()`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._ports: tuple[int, ...] | None = None
        self._child: Child | None = None
        self.java = find_java()

    def __repr__(self) -> str:
        return f"<KafkaServer {self._ports} child={self._child!r}>"

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`. Raises: BackendError before the first start."""
        if self._ports is None:
            raise BackendError("this Kafka broker was not started yet")
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs (or is paused)."""
        return self._child is not None and self._child.alive

    def process(self) -> Child:
        """The broker's process. Raises: BackendError before the first start."""
        if self._child is None:
            raise BackendError("this Kafka broker was not started yet")
        return self._child

    def start(self, *extra_flags: str) -> None:
        """Start it, on the ports it had if it had any; returns when it answers metadata.

        Args:
            extra_flags: flags for the JVM, before all others.

        Raises:
            BackendUnavailable: the jars are not installed.
            ProcessDied, BackendStartFailed: it did not come up.
        """
        if self.alive:
            return
        if not jars.installed():
            raise BackendUnavailable(f"Kafka's jars are not installed; `{INSTALL_COMMAND}`")
        if self._ports is None:
            start_on_free_ports(lambda ports: self._run(ports, extra_flags), count=2)
        else:
            self._run(self._ports, extra_flags)

    def kill(self) -> None:
        """SIGKILL: the power cut."""
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        """Ask the broker to hand over and close its log; after ten seconds it is killed."""
        if self._child is not None:
            self._child.stop(STOP_GRACE_S)

    def format(self) -> None:
        """Write the identity of a new cluster into the data folder, unless it has one.

        Raises:
            BackendStartFailed: Kafka's own tool failed.
        """
        if (self._data / "meta.properties").is_file():
            return
        template = jars.folder() / "formatted"
        with folder_made_aside(self._data) as partial:
            if template.is_dir():
                shutil.copytree(template, partial)
            else:
                self._format_anew(partial)

    def _format_anew(self, data: Path) -> None:
        """Let Kafka's own tool write the identity of a new cluster into this folder."""
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        properties = self._folder / "format.properties"
        own = self._properties.read_text().replace(str(self._data), str(data))
        properties.write_text(own)
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        with self._spawn([], tool, "kafka-format") as child:
            code = child.wait(stretched(FORMAT_TIMEOUT_S))
            if code != 0:
                raise BackendStartFailed(f"formatting ended with code {code}:\n{child.log_tail()}")

    def write_properties(self, ports: tuple[int, ...]) -> None:
        """Write the configuration for these two ports (clients, controller)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "tmp").mkdir(exist_ok=True)
        clients, controller = ports
        addresses = {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{clients}",
            "log.dirs": str(self._data),
        }
        lines = [f"{key}={value}" for key, value in (PROPERTIES | addresses).items()]
        self._properties.write_text("\n".join(lines) + "\n")
        (self._folder / "log4j2.properties").write_text(LOG4J)

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _run(self, ports: tuple[int, ...], extra_flags: tuple[str, ...]) -> None:
        self.write_properties(ports)
        self.format()
        flags = list(extra_flags)
        cache = ahead_of_time_cache(self.java)
        if not flags and cache.is_file():
            flags = [f"-XX:AOTCache={cache}"]
        child = self._spawn(flags, ["kafka.Kafka", str(self._properties)], "kafka")
        self._child, self._ports = child, ports
        wait_until_ready(child, self._answers, READY_TIMEOUT_S)

    def _answers(self) -> bool:
        return self.alive and broker_version(self.bootstrap) is not None

    def _spawn(self, flags: list[str], program: list[str], name: str) -> Child:
        modern = MODERN_JVM_FLAGS if self.java.major >= 24 else ()
        own = [
            f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
            f"-Djava.io.tmpdir={self._folder / 'tmp'}",
            f"-XX:ErrorFile={self._folder / 'jvm-crash.log'}",
        ]
        classpath = ":".join(map(str, jars.jar_paths()))
        argv = [str(self.java.path), *flags, *JVM_FLAGS, *modern, *own, "-cp", classpath, *program]
        return spawn(argv, name=name, log_path=self._folder / "kafka.log", cwd=self._folder)


def ahead_of_time_cache(java: Java) -> Path:
    """Where the JVM's cache for starting Kafka faster is, if it was made."""
    return jars.folder() / f"kafka-{java.version}.aot"


def broker_version(bootstrap: str, timeout_ms: int = METADATA_TIMEOUT_MS) -> str | None:
    """The lowest version that a cluster can have, judged by the API versions it offers.

    None when it does not answer a metadata request with a serving broker in time.
    """
    if not any(_accepts(address, timeout_ms / 1000) for address in bootstrap.split(",")):
        return None  # kafka-python would leak a thread and a socket before reaching this result
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","),
            bootstrap_timeout_ms=timeout_ms,
            request_timeout_ms=timeout_ms,
        )
    except (KafkaError, ValueError, OSError):
        return None
    with contextlib.closing(client):
        try:
            brokers = client.describe_cluster()["brokers"]
            serving = [broker["broker_id"] for broker in brokers if not broker.get("is_fenced")]
            if not serving:
                return None
            offered = client.get_broker_version_data(serving[0]).broker_version
        except KafkaError:
            return None
    return ".".join(map(str, offered))


def _accepts(address: str, timeout_s: float) -> bool:
    """Whether a server accepts a connection at `host:port`."""
    host, _, port = address.strip().rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
    except (OSError, ValueError):
        return False
    return True
