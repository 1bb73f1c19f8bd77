"""Jobs, as the API gives them."""

from uuid import UUID

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job has come."""

    step: str | None
    percentage: float
    message: str | None


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of sites tells about a job."""

    id: UUID
    site_id: UUID
    job_type: str
    status: str
    progress: Progress
