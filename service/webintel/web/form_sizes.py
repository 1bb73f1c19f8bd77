"""How large a form can become, by how long its fields may be."""

DOMAIN_LENGTH = 512
NOTES_LENGTH = 10_000
_OTHERS_LENGTH = 1_000
"""Numbers, hidden fields, and the names of all."""
_OCTETS = 9
"""Browsers count in units of UTF-16; one takes up to three octets, and a form writes each with three characters."""


def most_octets(*lengths: int) -> int:
    """Give what a form with fields of these lengths, and some short ones, takes at most."""
    return _OCTETS * (sum(lengths) + _OTHERS_LENGTH)
