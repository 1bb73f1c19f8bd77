"""What keeps a load test from running."""


class LoadError(Exception):
    """The test cannot run as it was asked for; the message says why and what to do next."""
