"""A real Kafka broker: killed, started again, nothing acknowledged lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from tests.waiting import PATIENCE_S
from veristack_lab.backends import doctor, jars
from veristack_lab.backends.kafka import KafkaFacts, kafka
from veristack_lab.errors import BackendError, BackendUnavailable

pytestmark = pytest.mark.backends

RECORDS = 200
POLL_MS = 5000


@pytest.fixture
def topic(kafka_server: KafkaFacts, unique_name: str) -> Iterator[str]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)) as admin:
        admin.create_topics([NewTopic(unique_name, num_partitions=1, replication_factor=1)])
        yield unique_name


def read(facts: KafkaFacts, topic: str, count: int) -> list[bytes]:
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=facts.bootstrap, enable_auto_commit=False)
    with closing(consumer):
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        values: list[bytes] = []
        while len(values) < count:
            polled = consumer.poll(timeout_ms=POLL_MS)
            assert polled, f"only {len(values)} of {count} came"
            values += [record.value for record in polled[partition]]
        return values


def test_it_is_what_it_says(kafka_server: KafkaFacts) -> None:
    assert kafka_server.origin == "here"
    assert kafka_server.alive
    assert kafka_server.version == jars.kafka_version()
    assert kafka_server.bootstrap.startswith("127.0.0.1:")


@pytest.mark.crash
def test_what_was_acknowledged_survives_a_kill(kafka_server: KafkaFacts, topic: str) -> None:
    address, before = kafka_server.bootstrap, kafka_server.pid
    with closing(KafkaProducer(bootstrap_servers=address, acks="all")) as producer:
        sent = [producer.send(topic, b"%d" % number) for number in range(RECORDS)]
        assert [future.get(PATIENCE_S).offset for future in sent] == list(range(RECORDS))
        kafka_server.kill()
        assert not kafka_server.alive
        kafka_server.restart()
        assert kafka_server.alive
        assert kafka_server.bootstrap == address
        assert kafka_server.pid != before
        assert producer.send(topic, b"after").get(PATIENCE_S).offset == RECORDS
    expected = [b"%d" % number for number in range(RECORDS)] + [b"after"]
    assert read(kafka_server, topic, RECORDS + 1) == expected


def test_yours_is_used_and_never_killed(
    kafka_server: KafkaFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_server.bootstrap)
    with kafka() as yours:
        assert (yours.origin, yours.bootstrap) == ("yours", kafka_server.bootstrap)
        for hurt in (yours.kill, yours.restart, yours.pause):
            with pytest.raises(BackendError, match="unset KAFKA_BOOTSTRAP_SERVERS"):
                hurt()
    report = doctor.examine_kafka()
    assert (report.in_use, report.usable) == ("yours", True)
    assert report.version.endswith("or newer")


def test_without_jars_the_command_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("VERISTACK_HOME", str(folder))
    with pytest.raises(BackendUnavailable, match="veristack backends install kafka"), kafka():
        pytest.fail("it should not have started")


@pytest.mark.crash
def test_a_folder_is_used_again_on_other_ports(folder: Path, unique_name: str) -> None:
    with kafka(folder) as first:
        with closing(KafkaAdminClient(bootstrap_servers=first.bootstrap)) as admin:
            admin.create_topics([NewTopic(unique_name, num_partitions=1, replication_factor=1)])
        first.kill()
    with (
        kafka(folder) as second,
        closing(KafkaAdminClient(bootstrap_servers=second.bootstrap)) as admin,
    ):
        assert unique_name in admin.list_topics()
