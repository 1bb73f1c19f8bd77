import click

from webintel.commands.options import build_fetch_options, fetch_options
from webintel.engine.fetch import ConnectTo, FetchOptions


@click.command()
@fetch_options
def command(**arguments: object) -> None:
    pass


def _options(*arguments: str) -> FetchOptions:
    return build_fetch_options(**command.make_context("x", list(arguments)).params)


def test_the_defaults_are_the_engines_own() -> None:
    assert _options() == FetchOptions()


def test_every_option_arrives() -> None:
    options = _options(
        *("--max-pages", "7", "--max-seconds", "8.5", "--max-bytes", "9", "--delay", "0.25"),
        *("--user-agent", "TestBot/1.0", "--connect-to", "a.test:80:127.0.0.1:81", "--connect-to", "::[::1]:82"),
        *("--allow-private", "10.0.0.0/8", "--allow-private", "::1/128", "--allow-port", "8080"),
    )
    assert options == FetchOptions(
        max_pages=7,
        max_seconds=8.5,
        max_bytes=9,
        delay=0.25,
        user_agent="TestBot/1.0",
        connect_to=(ConnectTo.parse("a.test:80:127.0.0.1:81"), ConnectTo.parse("::[::1]:82")),
        allow_private=("10.0.0.0/8", "::1/128"),
        allow_ports=(8080,),
    )
