"""What is nearly HTTP, sent to the S3 face: a reply in its shape or an end, and it goes on."""

from __future__ import annotations

import logging

import httpx
import pytest

import veristack_lab.veristore as veristore
from tests import raw_http
from tests.faulty_disk import quick_folder
from tests.thoroughness import sized
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.s3 import serve_in_thread

GOOD = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /b?list-type=2&prefix=k HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"PUT /b/n HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /b/n HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    b"PUT /b/n HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: aws-chunked\r\n"
    b"x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n"
    b"x-amz-trailer: x-amz-checksum-crc32\r\n"
    b"x-amz-decoded-content-length: 5\r\nContent-Length: 46\r\n\r\n"
    b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
    b"POST /b?delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 55\r\n\r\n"
    b"<Delete><Object><Key>none</Key></Object></Delete>      ",
)


def test_nothing_below_http_makes_the_server_fail(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    sent = list(raw_http.conversations(20_26, sized(150, 3000), GOOD))
    with (
        quick_folder() as folder,
        veristore.open(folder / "store") as store,
        raw_http.hasty_connections(),
        serve_in_thread(objects := ObjectStore(store)) as url,
    ):
        objects.create_bucket("b")
        objects.put("b", "k", b"content")

        def is_well() -> bool:
            with httpx.Client(base_url=url, trust_env=False) as client:
                client.put("/well")  # the noise may have removed the others
                client.put("/well/k", content=b"content")
                return client.get("/well/k").content == b"content"

        assert raw_http.faults(url, sent, {"application/xml"}, is_well) == []
    assert [record.getMessage() for record in caplog.records] == []
