"""Options that several commands share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import click

from webintel import __version__

if TYPE_CHECKING:
    from webintel.engine.fetch import FetchOptions

F = TypeVar("F", bound=Callable[..., Any])


class FetchArguments(TypedDict):
    """What `fetch_options` adds to a command, under click's names."""

    max_pages: int
    max_seconds: float
    max_bytes: int
    delay: float
    user_agent: str
    connect_to: tuple[str, ...]
    allow_private: tuple[str, ...]
    allow_port: tuple[int, ...]


def fetch_options(command: F) -> F:
    """Add the limits and manners of a visit."""
    for option in reversed(_FETCH_OPTIONS):
        command = option(command)
    return command


def build_fetch_options(**arguments: Unpack[FetchArguments]) -> "FetchOptions":
    """Turn the arguments into the engine's options, or say which one is wrong."""
    from webintel.engine.fetch import ConnectTo, FetchOptions

    try:
        return FetchOptions(
            user_agent=arguments["user_agent"],
            max_pages=arguments["max_pages"],
            max_seconds=arguments["max_seconds"],
            max_bytes=arguments["max_bytes"],
            delay=arguments["delay"],
            connect_to=tuple(ConnectTo.parse(text) for text in arguments["connect_to"]),
            allow_private=arguments["allow_private"],
            allow_ports=arguments["allow_port"],
        )
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _option(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, show_default="default" in settings, **settings)


_USER_AGENT = f"WebIntelBot/{__version__} (+https://webintel.example/bot)"
# The defaults are those of the engine's `FetchOptions`, written out so that `--help` need not load the engine.
_FETCH_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    _option("--max-pages", type=int, default=150, help="Pages to fetch at most."),
    _option("--max-seconds", type=float, default=600.0, help="Time for everything at most."),
    _option("--max-bytes", type=int, default=8 * 1024 * 1024, help="Size of an unpacked response at most."),
    _option("--delay", type=float, default=1.0, help="Seconds between two requests."),
    _option("--user-agent", default=_USER_AGENT, help="Who we say we are."),
    _option(
        "--connect-to",
        multiple=True,
        metavar="HOST:PORT:ADDRESS:PORT",
        help="Connect to ADDRESS:PORT for HOST:PORT, as curl does; an empty part stands for any. May be repeated.",
    ),
    _option("--allow-private", multiple=True, metavar="CIDR", help="Allow a non-public network. May be repeated."),
    _option("--allow-port", multiple=True, type=int, help="Allow a port besides 80 and 443. May be repeated."),
)
