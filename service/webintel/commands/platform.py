"""Database, API, web UI and workers on one machine, started, watched and stopped together."""

import asyncio
import os
import secrets
import socket
import time
import urllib.error
import urllib.request

import click
import structlog

from webintel.commands.supervising import Child, LaunchError, stop_all
from webintel.db.embedded import EmbeddedServer, EmbeddedServerError, default_data_dir
from webintel.settings import PREFIX, Settings

ADMIN = "admin@webintel.local"
READY_PATIENCE = 120.0
STOP_RESERVE = 20.0
LOOK_SECONDS = 0.1
RESTART_PAUSE = 1.0

logger = structlog.get_logger(__name__)


class Platform:
    """What `webintel up` runs."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self._settings = settings
        self._workers = workers
        self._data_dir = (settings.data_dir or default_data_dir()).expanduser().absolute()
        self._server = EmbeddedServer(self._data_dir) if settings.database_url is None else None
        self._children: list[Child] = []

    def start(self) -> None:
        """Start everything and say where it is.

        Raises:
            EmbeddedServerError: the embedded database cannot run here.
            LaunchError: something else cannot.
            SettingsError: a setting is missing.
        """
        settings = self._settings
        self._check_ports()
        secret_key = self._secret_key()
        if self._server is not None:
            self._server.start()
        url = self._server.url if self._server is not None else settings.require_database_url()
        environment = {f"{PREFIX}DATABASE_URL": url, f"{PREFIX}SECRET_KEY": secret_key}
        # They import for seconds, and wait for the schema by themselves: meanwhile it is made.
        self._start_children(environment)
        password = self._prepare(url)
        self._wait_until_ready()
        self._announce(url, password)

    def watch(self) -> None:
        """Start again what ends, until a signal comes.

        Raises:
            LaunchError: something ends again and again.
        """
        while True:
            self._look_after()
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Stop everything: first what uses the database, then the database."""
        stop_all(self._children, self._settings.worker_grace_seconds + STOP_RESERVE)
        if self._server is not None:
            self._server.stop()

    def _check_ports(self) -> None:
        """Refuse ports in use now, by name, rather than have a child fail on them later."""
        settings = self._settings
        taken = [
            (settings.api_host, settings.api_port, "--port or WEBINTEL_API_PORT"),
            (settings.web_host, settings.web_port, "--web-port or WEBINTEL_WEB_PORT"),
        ]
        taken += [
            (settings.worker_host, settings.worker_port + number, "--worker-port or WEBINTEL_WORKER_PORT")
            for number in range(self._workers)
        ]
        for host, port, option in taken:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                socket.create_server((host, port), family=family).close()
            except OSError as error:
                raise LaunchError(
                    f"Port {port} of {host} cannot be used: {error.strerror}. Choose another with {option}."
                ) from error

    def _secret_key(self) -> str:
        """The configured key, or in development one of this data folder's own, so that sign-ins outlast a restart."""
        settings = self._settings
        if settings.secret_key is not None or settings.production:
            return settings.require_secret_key()
        path = self._data_dir / "secret_key"
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                partial = path.with_suffix(".partial")
                partial.unlink(missing_ok=True)
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secrets.token_hex(32))
                partial.rename(path)
            return path.read_text().strip()
        except OSError as error:
            raise LaunchError(
                f"{path}: {error.strerror}. Choose a folder that can be written with --data-dir or {PREFIX}DATA_DIR."
            ) from error

    def _start_children(self, environment: dict[str, str]) -> None:
        settings = self._settings
        address = ["--host", settings.api_host, "--port", str(settings.api_port)]
        self._children.append(Child("API", ["api", *address, "--drain-seconds", "0"], environment))
        address = ["--host", settings.web_host, "--port", str(settings.web_port)]
        api = ["--api-url", _address(settings.api_host, settings.api_port)]
        self._children.append(Child("web UI", ["web", *address, *api, "--drain-seconds", "0"], {}))
        for number in range(self._workers):
            health = ["--host", settings.worker_host, "--port", str(settings.worker_port + number)]
            self._children.append(Child(f"worker {number + 1}", ["worker", *health], environment))
        for child in self._children:
            child.start()

    def _prepare(self, url: str) -> str | None:
        """Migrate the database, and make the first admin where there is nobody; gives the password to show."""
        # Imported while the children import the same: loading it first would delay their start by seconds.
        from webintel.accounts.services import ensure_first_admin
        from webintel.db.engine import create_database
        from webintel.db.migrate import MigrationError, migrate
        from webintel.settings import load_settings

        settings = load_settings(database_url=url)

        async def prepare() -> str | None:
            await migrate(settings)
            async with create_database(settings, role="up") as database, database.transaction() as session:
                return await ensure_first_admin(session, ADMIN)

        try:
            return asyncio.run(prepare())
        except MigrationError as error:
            raise LaunchError(str(error)) from error

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_PATIENCE
        settings = self._settings
        waiting = {
            "API": _address(settings.api_host, settings.api_port),
            "web UI": _address(settings.web_host, settings.web_port),
        } | {
            f"worker {number + 1}": _address(settings.worker_host, settings.worker_port + number)
            for number in range(self._workers)
        }
        for name, address in waiting.items():
            while not _ready(f"{address}/health/ready"):
                if time.monotonic() > deadline:
                    raise LaunchError(
                        f"The {name} was not ready within {READY_PATIENCE:.0f} seconds: see its last lines above."
                    )
                self._look_after()
                time.sleep(LOOK_SECONDS)

    def _look_after(self) -> None:
        if self._server is not None and not self._server.running:
            logger.error("the embedded database ended, starts again")
            try:
                self._server.start()
            except EmbeddedServerError as error:
                logger.error("the embedded database does not start", error=str(error))  # noqa: TRY400 - one line
                time.sleep(RESTART_PAUSE)
        for child in self._children:
            child.look_after()

    def _announce(self, url: str, password: str | None) -> None:
        api = _address(self._settings.api_host, self._settings.api_port)
        lines = [
            "",
            "The platform is ready.",
            f"  web UI    {_address(self._settings.web_host, self._settings.web_port)}",
            f"  API       {api}  (documentation: {api}/docs)",
        ]
        if self._server is not None:
            lines += [f"  data      {self._data_dir}", f"  database  {url}"]
        if password is not None:
            lines.append(f"  sign in   {ADMIN}  password {password}  (shown this once)")
        click.echo("\n".join([*lines, "  stop      Ctrl-C", ""]))


def _address(host: str, port: int) -> str:
    """Where to reach a server on this machine, whatever it listens on."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
