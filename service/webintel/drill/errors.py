"""Why a drill fails."""


class DrillError(Exception):
    """The drill ends here; the message is a sentence or two that say what failed."""
