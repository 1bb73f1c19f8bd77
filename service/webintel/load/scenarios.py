"""Load tests by name."""

from webintel.load.plan import Plan, Stage

READ_HEAVY = {"list": 30, "read": 35, "search": 10, "jobs": 10, "job": 10, "create": 3, "change": 2}
WRITE_HEAVY = {"create": 45, "change": 30, "list": 10, "read": 5, "delete": 10}
JOURNEY = {"health": 1, "list": 1, "create": 1, "read": 1, "jobs": 1, "change": 1, "search": 1, "delete": 1}


def _promised(users: int, requests: int) -> Plan:
    """Clients that look whether the API is well, list what there is, and then register sites."""
    return Plan(
        name=f"{users}x{requests}",
        model="closed",
        stages=(Stage(300.0, users),),
        opening=("health", "list"),
        mix={"create": 1},
        requests=requests,
    )


SCENARIOS: dict[str, tuple[str, Plan]] = {
    "5x10": ("5 clients, each a health check, a list and 10 new sites", _promised(5, 10)),
    "10x20": ("10 clients, each a health check, a list and 20 new sites", _promised(10, 20)),
    "20x10": ("20 clients, each a health check, a list and 10 new sites", _promised(20, 10)),
    "read-heavy": (
        "95 % reads, 20 clients for a minute",
        Plan(name="read-heavy", model="closed", stages=(Stage(60.0, 20),), mix=READ_HEAVY),
    ),
    "write-heavy": (
        "85 % writes, 10 clients for a minute",
        Plan(name="write-heavy", model="closed", stages=(Stage(60.0, 10),), mix=WRITE_HEAVY),
    ),
    "journey": (
        "50 people who register a site, follow it and delete it, with time to think, for two minutes",
        Plan(
            name="journey",
            model="closed",
            stages=(Stage(120.0, 50),),
            mix=JOURNEY,
            in_turn=True,
            think=(1.0, 3.0),
            ramp=10.0,
        ),
    ),
    "crowd": (
        "1,000 people who mostly read, with time to think, for five minutes",
        Plan(
            name="crowd",
            model="closed",
            stages=(Stage(300.0, 1000),),
            mix=READ_HEAVY,
            think=(2.0, 8.0),
            ramp=60.0,
        ),
    ),
    "steady": (
        "100 mostly reading requests a second, whatever becomes of them, for a minute",
        Plan(name="steady", model="open", stages=(Stage(60.0, 100.0),), mix=READ_HEAVY),
    ),
    "soak": (
        "30 requests a second for an hour",
        Plan(name="soak", model="open", stages=(Stage(3600.0, 30.0),), mix=READ_HEAVY),
    ),
    "spike": (
        "20 requests a second, ten times as many for twenty seconds, and 20 again",
        Plan(
            name="spike",
            model="open",
            stages=(Stage(30.0, 20.0), Stage(20.0, 200.0), Stage(40.0, 20.0)),
            mix=READ_HEAVY,
        ),
    ),
}
