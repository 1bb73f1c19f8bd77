"""A real `webintel up` beside the control plane, on which no container runs."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from webintel.demo.server import RunningSite
from webintel.demo.shop import DOMAIN, LOOPBACK, demo_shop

PATIENCE = 60.0


class Platform(NamedTuple):
    """A running `webintel up`, which may visit the demo shop."""

    api: str
    web: str
    password: str

    def verified(self) -> dict[str, object]:
        """What `verify` is told of it: where it is, and who signs in."""
        account = {"verify_email": "admin@webintel.local", "verify_password": self.password}
        return {"verify_api_url": self.api, "verify_app_url": self.web, **account}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def webintel_up() -> Iterator[Platform]:
    """It runs while the block does."""
    folder = Path(tempfile.mkdtemp(prefix="webintel-test-"))
    folder.chmod(0o755)
    api, web, worker = (free_port() for _ in range(3))
    addresses = ["--port", str(api), "--web-port", str(web), "--worker-port", str(worker)]
    with RunningSite(demo_shop, 0) as shop, (folder / "log").open("w") as log:
        settings = {
            "WEBINTEL_FETCH_CONNECT_TO": shop.connect_to(DOMAIN),
            "WEBINTEL_FETCH_ALLOW_PRIVATE": LOOPBACK,
            "WEBINTEL_FETCH_DELAY": "0",
        }
        command = [sys.executable, "-m", "webintel", "up", *addresses, "--data-dir", str(folder / "data")]
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE
        while not (said := re.search(r"password (\S{12,})", (folder / "log").read_text())):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.2)
        yield Platform(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{web}", said[1])
        process.terminate()
        process.wait(PATIENCE)
    shutil.rmtree(folder)
