"""Quantities and cron schedules, in numbers."""

import re
from decimal import Decimal

FACTORS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


def quantity(text: str | float) -> Decimal:
    """A Kubernetes quantity: `250m` is 0.25, `256Mi` is 268435456."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(text))
    if not match or match[2] not in FACTORS:
        raise ValueError(f"{text!r} is no quantity of Kubernetes: write it like 250m, 0.5, 256Mi or 2Gi")
    return Decimal(match[1]) * FACTORS[match[2]]


def share(amount: int | str, whole: int) -> int:
    """A number, or a percentage of the whole rounded up, as disruption budgets count it."""
    if isinstance(amount, int):
        return amount
    return -(-int(amount.removesuffix("%")) * whole // 100)
