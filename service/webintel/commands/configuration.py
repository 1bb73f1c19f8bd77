"""Reading the settings for a command, with refusals that the command line shows as one line."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from webintel.settings import Settings, SettingsError, load_settings
from webintel.tracing.starting import traced


def settings_for(*, database: bool = False, secret_key: bool = False, **overrides: object) -> Settings:
    """Read the settings and check the ones that a command cannot do without."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = load_settings(**given)
        if database:
            settings.require_database_url()
        if secret_key:
            settings.require_secret_key()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    return settings


@contextmanager
def tracing(role: str) -> Iterator[None]:
    """Make traces for as long as the context lasts, where a collector is configured."""
    with ExitStack() as stack:
        try:
            stack.enter_context(traced(role))
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        yield
