"""`webintel load`."""

from pathlib import Path

import click


@click.command(
    epilog="Ends with 0 where all went well, 1 where the test could not run or no request succeeded, 3 where a "
    "--fail-if came true, 4 where sites of the test are left, 130 or 143 where a signal ended it early. "
    "Example: webintel load 5x10 --fail-if 'p95>0.5' --fail-if 'error_rate>0' --report load.html"
)
@click.argument("scenario", required=False)
@click.option("--list", "list_scenarios", is_flag=True, help="Name the scenarios, and what each asks for.")
@click.option("--target", default="http://127.0.0.1:8000", show_default=True, metavar="URL", help="The API.")
@click.option("--i-own", "owned", multiple=True, metavar="HOST", help="Allow a target that is not this machine.")
@click.option("--ca-file", type=click.Path(dir_okay=False), help="Check the target's certificate by this authority.")
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False), help="A YAML file in place of SCENARIO."
)
@click.option("--get", "paths", multiple=True, metavar="PATH", help="Get this path in place of what SCENARIO asks for.")
@click.option("--users", type=click.IntRange(1, 5000), help="Clients at once: the closed model.")
@click.option("--rate", type=click.FloatRange(0, 100_000, min_open=True), help="Arrivals a second: the open model.")
@click.option("--seconds", type=click.FloatRange(0, 86400, min_open=True), help="How long.  [default: the scenario's]")
@click.option("--requests", type=click.IntRange(1, 1_000_000_000), help="Requests at most, of all clients.")
@click.option("--think", metavar="MIN,MAX", help="Seconds between two requests of a client.")
@click.option("--ramp", type=click.FloatRange(0, 86400), help="Seconds over which the clients begin.")
@click.option("--timeout", type=click.FloatRange(0, 300, min_open=True), help="Seconds for a request.  [default: 10]")
@click.option("--connections", type=click.IntRange(1, 20_000), help="At most, in the open model.  [default: 1000]")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="To send from.")
@click.option("--api-key-file", type=click.Path(path_type=Path, dir_okay=False), help="API keys, one a line.")
@click.option("--token-file", type=click.Path(path_type=Path, dir_okay=False), help="Access tokens, one a line.")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Such as 'p95>0.1', 'error_rate>1%', 'throughput<50'.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML file with plots.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write everything as JSON.")
@click.option("--keep", is_flag=True, help="Leave the sites that were made.")
@click.option("--clean-up", is_flag=True, help="Only remove what earlier tests have left.")
@click.option(
    "--clean-up-timeout", default=300.0, show_default=True, type=click.FloatRange(1, 86400), help="Seconds for that."
)
def command(**arguments: object) -> int:
    """Put load on the API, and say what it bears.

    The credential comes from WEBINTEL_LOAD_API_KEY or WEBINTEL_LOAD_TOKEN, or from a file. Sites that a test makes are
    named *.webintel-load.invalid, which resolves nowhere, so that no worker visits anybody for them; they are removed
    afterwards. In the open model a request's time counts from when it was due, whether or not it could be sent.
    """
    from webintel.commands.loading import Arguments, load

    return load(Arguments(**arguments))  # type: ignore[arg-type]  # click checks them
