"""An object store on loopback."""

import re
import subprocess
import time
from pathlib import Path
from typing import Self

import httpx

BUCKET = "webintel-backups"


class Store:
    """moto's S3, with the bucket that the clusters name."""

    def __init__(self, program: Path, log: Path) -> None:
        self._program = program
        self._log = log
        self.url = ""
        # moto asks for a signature and does not check it.
        self._client = httpx.Client(
            headers={"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
        )

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            # On a port of its own choice, which it then says.
            self._process = subprocess.Popen(
                [self._program, "-H", "127.0.0.1", "-p", "0"], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while not (found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", self._log.read_text())):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)
        self.url = found[1]
        self._client.put(f"{self.url}/{BUCKET}").raise_for_status()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait()

    def keys(self, prefix: str = "") -> set[str]:
        answer = self._client.get(
            f"{self.url}/{BUCKET}", params={"list-type": "2", "prefix": prefix}
        ).raise_for_status()
        assert "<IsTruncated>false" in answer.text
        return set(re.findall(r"<Key>([^<]+)</Key>", answer.text))

    def read(self, key: str) -> bytes:
        return self._client.get(f"{self.url}/{BUCKET}/{key}").raise_for_status().content

    def write(self, key: str, content: bytes) -> None:
        self._client.put(f"{self.url}/{BUCKET}/{key}", content=content).raise_for_status()
