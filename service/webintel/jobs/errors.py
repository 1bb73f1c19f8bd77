"""Why a job cannot be started, cancelled or retried."""

from uuid import UUID


class JobError(Exception):
    """The request does not fit how things stand; the message says why."""


class SiteNotFound(JobError):  # noqa: N818 - what happened, as a caller would say it
    """There is no such site."""

    def __init__(self, site_id: UUID) -> None:
        super().__init__(f"There is no site {site_id}.")


class JobNotFound(JobError):  # noqa: N818
    """There is no such job."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(f"There is no job {job_id}.")


class JobAlreadyRunning(JobError):  # noqa: N818
    """The site has a job of this type under way."""

    def __init__(self, job_type: str) -> None:
        super().__init__(
            f"A {job_type.replace('_', ' ')} job of this site is under way: wait until it ends, or cancel it."
        )


class JobEnded(JobError):  # noqa: N818
    """What has ended cannot be cancelled."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The job has ended already ({status}).")


class JobNotFailed(JobError):  # noqa: N818
    """Only what failed can be retried."""

    def __init__(self, status: str) -> None:
        super().__init__(f"Only a failed job can be retried; this one is {status}.")
