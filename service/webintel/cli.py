"""The command line: one lazy group, so that each command loads only what it needs.

Every failure ends as one line on standard error and an exit code other than 0.
"""

import gc
import importlib
import os
import sys
from typing import Any

import click

from webintel import __version__
from webintel.engine.errors import EngineError

COMMANDS: dict[str, str] = {
    "up": "Start the whole platform on this machine.",
    "scan": "Visit a site politely and print its blueprint.",
    "analyze": "Analyse stored pages.",
    "extract": "Try a blueprint on a page and print the values.",
    "demo": "Scan a small shop of our own, without the internet.",
    "api": "Run the HTTP API.",
    "worker": "Run the worker that does the jobs.",
    "web": "Run the web UI.",
    "migrate": "Bring the database to the newest schema.",
    "database-password": "Give our role in the database its new password.",
    "restore-drill": "Prove that the newest backup restores.",
    "load": "Put load on the API, and say what it bears.",
    "user": "Manage the people who may sign in.",
}
"""Each is `command` in the module of its name, with underscores, in `webintel.commands`."""

EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command's module when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command; none for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command = _load(f"webintel.commands.{cmd_name.replace('-', '_')}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"The module of {cmd_name} has no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands from the table, so that `--help` imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _load(module: str) -> Any:
    """Import a module without looking for garbage on the way or in it later: what is imported stays."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="webintel %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an unexpected failure.")
def cli() -> None:
    """Give a site's domain, get a blueprint for scraping it."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and turn whatever happens into an exit code and at most one line of error."""
    try:
        result: Any = cli.main(args=arguments, prog_name="webintel", standalone_mode=False)
    except click.ClickException as error:
        return refuse(error)
    except (KeyboardInterrupt, click.Abort):
        return fail("Stopped before the end.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone: nothing to say, and nothing may be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except Exception as error:
        if "--debug" in arguments:
            raise
        return fail(describe(error), EXIT_FAILURE)
    return result if isinstance(result, int) else 0


def refuse(error: click.ClickException) -> int:
    """Say what is wrong with the arguments, or show the help where there were none."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    message = error.format_message()
    if isinstance(error, click.UsageError):
        message += f" Try `{error.ctx.command_path if error.ctx else 'webintel'} --help`."
    return fail(message, error.exit_code)


def describe(error: Exception) -> str:
    """Say in one line what went wrong and what to do next."""
    if isinstance(error, EngineError):
        return f"{error.message} {error.recovery_action}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}. Check the path and its permissions."
    return f"Unexpected {type(error).__name__}: {error}. Run `webintel --debug ...` for the traceback, and report it."


def fail(message: str, exit_code: int) -> int:
    """Write the one line of error."""
    click.echo("webintel: " + " ".join(message.split()), err=True)
    return exit_code
