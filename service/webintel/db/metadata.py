"""Every table of ours in one place, for migrations and for the test that compares them with the database."""

from advanced_alchemy.base import orm_registry

import webintel.accounts.models
import webintel.analytics.models
import webintel.blueprints.models
import webintel.drill.models
import webintel.jobs.models
import webintel.sites.models  # noqa: F401 - importing a model registers its table

metadata = orm_registry.metadata

FOREIGN_TABLES = "pgqueuer"
"""Tables whose names begin so are PgQueuer's: made by our migrations, described by no model."""


def is_ours(name: str | None, kind: str) -> bool:
    """Whether a database object of that name and kind is described by our models."""
    return not (kind == "table" and (name or "").startswith(FOREIGN_TABLES))
