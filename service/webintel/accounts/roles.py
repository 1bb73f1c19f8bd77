"""Who may do what: the only table of permissions."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is here to do."""

    ADMIN = "admin"
    PRODUCT_LEAD = "product_lead"
    SCRAPER_ENGINEER = "scraper_engineer"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a route asks of its caller; every route names exactly one."""

    PUBLIC = "public"
    OWN_ACCOUNT = "own_account"
    READ = "read"
    CHANGE_SITES = "change_sites"
    DELETE_SITES = "delete_sites"
    RUN_JOBS = "run_jobs"
    ROLL_BACK_BLUEPRINTS = "roll_back_blueprints"
    MANAGE_USERS = "manage_users"


_EVERYONE = frozenset({Permission.OWN_ACCOUNT, Permission.READ})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: _EVERYONE
    | {
        Permission.CHANGE_SITES,
        Permission.DELETE_SITES,
        Permission.RUN_JOBS,
        Permission.ROLL_BACK_BLUEPRINTS,
        Permission.MANAGE_USERS,
    },
    Role.PRODUCT_LEAD: _EVERYONE | {Permission.CHANGE_SITES, Permission.RUN_JOBS, Permission.ROLL_BACK_BLUEPRINTS},
    Role.SCRAPER_ENGINEER: _EVERYONE | {Permission.RUN_JOBS, Permission.ROLL_BACK_BLUEPRINTS},
    Role.VIEWER: _EVERYONE,
}
