"""The event log on a real Kafka-protocol broker, against the contract that any log must keep."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kafka_server import KafkaPlace

from tidewheel.storage.kafka.log import KafkaLog
from tidewheel.testing import EventLogContract


@pytest.mark.kafka
class TestEventLogOnKafka(EventLogContract):
    @pytest.fixture(autouse=True)
    def _place(self, kafka_place: KafkaPlace) -> None:
        self.place = kafka_place

    def open(self, folder: Path) -> KafkaLog:
        return KafkaLog.open_on(self.place.url, self.place.namespace, folder / "log")
