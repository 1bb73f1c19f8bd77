"""What every HTTP process of ours has: observed requests, probes, and an end that it announces."""

import sys

# Litestar imports Advanced Alchemy and SQLAlchemy where it finds them, for a class that nobody here uses: half a second
# and 16 MiB for the web UI, which has no database. Python takes None for a module that is not there.
if "advanced_alchemy" not in sys.modules:
    sys.modules["advanced_alchemy"] = None  # type: ignore[assignment]
    try:
        import litestar  # noqa: F401
    finally:
        del sys.modules["advanced_alchemy"]
