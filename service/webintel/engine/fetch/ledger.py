"""What became of every URL of a visit, in bounded memory."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from webintel.engine.model import FetchRecord

Outcome = Literal["ok", "not_modified", "redirected", "skipped", "failed"]

MAX_RECORDS: Final = 10_000
_MAX_URL: Final = 2_000
_MAX_DETAIL: Final = 300


class Ledger:
    """The first records in full, and counts of all.

    Attributes:
        counts: how many records there were of each outcome, kept or not.
        dropped: how many came after the ledger was full.
    """

    def __init__(self, limit: int = MAX_RECORDS) -> None:
        self._limit = limit
        self._records: list[FetchRecord] = []
        self.counts: Counter[str] = Counter()
        self.dropped = 0

    def __iter__(self) -> Iterator[FetchRecord]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: FetchRecord) -> None:
        """Write down what became of a URL, shortened where a stranger made it long."""
        self.counts[record.outcome] += 1
        if len(self._records) >= self._limit:
            self.dropped += 1
            return
        if len(record.url) > _MAX_URL or len(record.detail or "") > _MAX_DETAIL:
            detail = record.detail[:_MAX_DETAIL] if record.detail else None
            record = msgspec.structs.replace(record, url=record.url[:_MAX_URL], detail=detail)
        self._records.append(record)
