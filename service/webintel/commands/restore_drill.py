"""`webintel restore-drill`."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from webintel.commands.configuration import settings_for
from webintel.drill.cluster import read_manifest
from webintel.drill.errors import DrillError
from webintel.drill.kubernetes import ClusterAccess
from webintel.drill.running import ClusterPlan, Drill, Limits
from webintel.logs import configure_logging

_SECONDS = click.FloatRange(1, 86400)


@click.command()
@click.option(
    "--restored-database-url",
    help="Where the restored database answers (also WEBINTEL_RESTORED_DATABASE_URL).  [default with "
    "--cluster-manifest: the live address with the host NAME-rw.NAMESPACE]",
)
@click.option(
    "--cluster-manifest",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A CloudNativePG Cluster that recovers the backup, as YAML or JSON: it is created, checked, and deleted in "
    "any case; one left over from an earlier drill is deleted first.",
)
@click.option("--namespace", default="restore-drill", show_default=True, help="Where that Cluster is made.")
@click.option(
    "--max-age-hours",
    default=26.0,
    show_default=True,
    type=click.FloatRange(0.01, 8760),
    help="How old the first change may be that did not come back: a daily backup, and two hours to make it.",
)
@click.option(
    "--restore-timeout",
    default=3600.0,
    show_default=True,
    type=_SECONDS,
    help="Seconds until the restored database must answer and have left recovery.",
)
@click.option(
    "--check-timeout", default=1800.0, show_default=True, type=_SECONDS, help="Seconds that the checks may take."
)
@click.option(
    "--cleanup-timeout",
    default=150.0,
    show_default=True,
    type=_SECONDS,
    help="Seconds until the Cluster must be gone, after SIGTERM too: the pod's grace must be longer.",
)
@click.option("--kubernetes-api", metavar="URL", help="The Kubernetes API.  [default: the one of this pod's cluster]")
@click.option(
    "--kubernetes-token-file", type=click.Path(path_type=Path), help="Its bearer token.  [default: the pod's own]"
)
@click.option(
    "--kubernetes-ca-file", type=click.Path(path_type=Path), help="Its certificate authority.  [default: the pod's own]"
)
def command(  # noqa: PLR0913, PLR0917 - one for each option
    restored_database_url: str | None,
    cluster_manifest: Path | None,
    namespace: str,
    max_age_hours: float,
    restore_timeout: float,
    check_timeout: float,
    cleanup_timeout: float,
    kubernetes_api: str | None,
    kubernetes_token_file: Path | None,
    kubernetes_ca_file: Path | None,
) -> None:
    """Prove that the newest backup restores.

    What was restored is compared with the live database (WEBINTEL_DATABASE_URL): its schema, its tables, every row of
    each read once, rows that are missing, and how old the first change is that did not come back. Give the address of
    a restored server that runs already, or a manifest of one to make. The outcome is kept in the live database and
    exported by the API as restore_drill_* metrics. Ends with 0 where the backup can be relied on, with 1 otherwise.
    """
    settings = settings_for(database=True, restored_database_url=restored_database_url)
    configure_logging(settings, role="restore-drill")
    limits = Limits(
        max_missing=timedelta(hours=max_age_hours),
        restore_seconds=restore_timeout,
        check_seconds=check_timeout,
        cleanup_seconds=cleanup_timeout,
    )
    if settings.restored_database_url is None and cluster_manifest is None:
        raise click.UsageError("Give --restored-database-url, or --cluster-manifest of a server to make.")
    try:
        plan = None
        if cluster_manifest is not None:
            access = ClusterAccess.find(kubernetes_api, kubernetes_token_file, kubernetes_ca_file)
            plan = ClusterPlan(access=access, manifest=read_manifest(cluster_manifest), namespace=namespace)
        drill = asyncio.run(Drill(settings, limits, cluster=plan, say=_say).run())
    except DrillError as error:
        raise click.ClickException(str(error)) from error
    if drill.failure:
        raise click.ClickException(drill.failure)
    lacks = f"lacks the last {drill.missing_seconds / 3600:.1f} hours" if drill.missing_seconds else "lacks nothing"
    click.echo(f"The backup restores: {drill.rows_read} rows came back, and it {lacks}.")


def _say(what: str) -> None:
    """Show how far it has come."""
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {what}", err=True)
