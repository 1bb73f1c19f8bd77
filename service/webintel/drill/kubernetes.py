"""A handful of calls to the Kubernetes API."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from webintel.drill.errors import DrillError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
REQUEST_SECONDS = 10.0

Object = dict[str, Any]


class KubernetesError(DrillError):
    """The API refused.

    Attributes:
        status: the HTTP status; none where nobody answered.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same call may well succeed a little later."""
        return self.status is None or self.status in {409, 429} or self.status >= 500


class ClusterAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API is and how to be let in."""

    url: str
    token_file: Path
    ca_file: Path

    @classmethod
    def find(cls, url: str | None = None, token_file: Path | None = None, ca_file: Path | None = None) -> Self:
        """Take what is given, and for the rest what every pod has.

        Raises:
            DrillError: nothing says where the API is.
        """
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if url is None and not host:
            raise DrillError(
                "KUBERNETES_SERVICE_HOST is not set, so this is no pod: say where the API is with --kubernetes-api."
            )
        return cls(
            url=url or f"https://{f'[{host}]' if ':' in host else host}:{port}",
            token_file=token_file or SERVICE_ACCOUNT / "token",
            ca_file=ca_file or SERVICE_ACCOUNT / "ca.crt",
        )


class KubernetesApi:
    """Reads, makes and deletes objects by their path."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        try:
            verify = ssl.create_default_context(cafile=access.ca_file) if access.url.startswith("https:") else False
        except OSError as error:
            raise DrillError(f"{access.ca_file}: {error.strerror}. Name it with --kubernetes-ca-file.") from error
        self._client = httpx.AsyncClient(
            base_url=access.url, verify=verify, timeout=REQUEST_SECONDS, trust_env=False, follow_redirects=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: str) -> Object | None:
        """Read an object or a list; none where there is none."""
        return await self._call("GET", path, query=query)

    async def create(self, path: str, content: Mapping[str, Any]) -> None:
        """Make an object in a collection."""
        if await self._call("POST", path, content=content) is None:
            raise KubernetesError(f"The Kubernetes API knows no {path}: is the operator's CRD installed?", 404)

    async def delete(self, path: str) -> None:
        """Delete an object once all that hangs on it is gone; one that is not there is no failure."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        await self._call("DELETE", path, content=options)

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, content: object = None
    ) -> Object | None:
        try:
            # Read each time: the kubelet replaces it long before it expires.
            token = self._access.token_file.read_text("utf-8").strip()
        except OSError as error:
            raise DrillError(
                f"{self._access.token_file}: {error.strerror}. Name it with --kubernetes-token-file."
            ) from error
        try:
            response = await self._client.request(
                method,
                path,
                params=query,
                content=None if content is None else msgspec.json.encode(content),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise KubernetesError(f"The Kubernetes API does not answer ({type(error).__name__}).") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        answer = _decoded(response.content)
        if not response.is_success:
            said = answer.get("message") or response.reason_phrase
            raise KubernetesError(f"The Kubernetes API refused {method} {path}: {said}.", response.status_code)
        return answer


def _decoded(content: bytes) -> Object:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
