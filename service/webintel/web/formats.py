"""Numbers, times and sizes as people read them."""

from datetime import UTC, datetime

from markupsafe import Markup

NOTHING = "–"  # noqa: RUF001 - a dash, as typesetters use it
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (86400 * 60, 86400, "d"))


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with its thousands apart."""
    return NOTHING if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def score(value: float | None) -> str:
    """Write a score between 0 and 1."""
    return NOTHING if value is None else f"{value:.2f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share between 0 and 1."""
    return NOTHING if value is None else f"{value * 100:.{digits}f}\u202f%"


def duration(seconds: float | None) -> str:
    """Write a length of time in its two largest units."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f}\u202fs"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount}\u202f{unit}" for amount, unit in parts[first : first + 2] if amount)


def moment(value: datetime) -> str:
    """Write a time in full."""
    value = value.astimezone(UTC)
    return f"{value.day} {value:%b %Y, %H:%M:%S} UTC"


def when(value: datetime | None) -> Markup:
    """Write how long ago something was, with the time itself at hand."""
    if value is None:
        return Markup(NOTHING)  # noqa: S704 - our own dash
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), moment(value), _distance(value))


def day(value: datetime | None) -> Markup:
    """Write a date, with the time at hand."""
    if value is None:
        return Markup(NOTHING)  # noqa: S704 - our own dash
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), moment(value), f"{at.day} {at:%b %Y}"
    )


def stamp(seconds: float, day_only: bool = True) -> str:
    """Write a point of a chart's time axis."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {at:%b %Y}" if day_only else f"{at.day} {at:%b, %H:%M}"


def words(name: str | None) -> str:
    """Write a name of the API, such as `blueprint_update`, as words."""
    return NOTHING if not name else name.replace("_", " ").capitalize()


def size(octets: float | None) -> str:
    """Write an amount of data."""
    if octets is None:
        return NOTHING
    for unit in ("B", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.0f}\u202f{unit}" if unit == "B" else f"{octets:.1f}\u202f{unit}"
        octets /= 1000
    return f"{octets:.1f}\u202fGB"


def _distance(value: datetime) -> str:
    seconds = (datetime.now(UTC) - value).total_seconds()
    if abs(seconds) < 10:
        return "just now"
    for below, length, unit in _STEPS:
        if abs(seconds) < below:
            amount = f"{abs(seconds) // length:.0f}\u202f{unit}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    at = value.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"


_ALL = (number, score, percent, duration, moment, when, day, stamp, words, size)
FILTERS = {function.__name__: function for function in _ALL}
