"""Blueprints as files: the API's download, passed through as it comes."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from webintel.problems import NotFound
from webintel.serving.compression import UNCOMPRESSED
from webintel.web.signed_in_api import Api
from webintel.web.visit import Visit

FORMATS = {"json": "application/json", "yaml": "application/yaml", "csv": "text/csv; charset=utf-8"}
_FILE_NAME = re.compile(r'attachment; filename="[\w.-]{1,300}"', re.ASCII)


class _Owner(msgspec.Struct):
    """Whose blueprint it is."""

    site_id: UUID


@get("/sites/{site_id:uuid}/blueprint/{blueprint_id:uuid}/export/{file_format:str}", opt={UNCOMPRESSED: True})
async def export(
    visit: NamedDependency[Visit], site_id: FromPath[UUID], blueprint_id: FromPath[UUID], file_format: FromPath[str]
) -> Stream:
    """Download a version."""
    if file_format not in FORMATS:
        raise NotFound(f"There is no export of this kind; choose among {', '.join(FORMATS)}.")
    path = f"/api/v1/blueprints/{blueprint_id}"
    if (await visit.api.get(path, _Owner)).site_id != site_id:
        raise NotFound("This site has no such blueprint.")
    parts = _download(visit.api, f"{path}/export", file_format)
    # The file's name comes first: a refusal is a page, and only a file that has begun is a download.
    given = (await anext(parts)).decode("latin-1")
    name = given if _FILE_NAME.fullmatch(given) else f'attachment; filename="blueprint.{file_format}"'
    return Stream(parts, media_type=FORMATS[file_format], headers={"Content-Disposition": name})


async def _download(api: Api, path: str, file_format: str) -> AsyncIterator[bytes]:
    async with api.stream(path, {"format": file_format}) as response:
        yield response.headers.get("content-disposition", "").encode("latin-1", "replace")
        async for part in response.aiter_bytes():
            yield part


ROUTES = [export]
