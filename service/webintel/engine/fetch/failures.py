"""Turning what the HTTP client raises into failures with a name and a sentence."""

import ssl
from collections.abc import Iterator

import httpx

from webintel.engine.errors import EngineError, ErrorCode


def translate(error: Exception, url: str, host: str) -> EngineError:
    """Name a failure of the HTTP client."""
    causes = list(_causes(error))
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return EngineError(ErrorCode.TLS_FAILED, f"The certificate of {host} is not valid: {tls.verify_message}.")
    if tls is not None:
        return EngineError(
            ErrorCode.TLS_FAILED,
            f"{host} does not speak TLS as it should ({tls.reason or 'broken'}).",
            "Check that the site answers over https in a browser, then retry.",
        )
    if isinstance(error, httpx.TimeoutException):
        return EngineError(ErrorCode.TIMED_OUT, f"{host} does not answer in time.")
    if isinstance(error, httpx.ConnectError):
        refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
        what = "refuses the connection" if refused else "cannot be connected to"
        return EngineError(ErrorCode.UNREACHABLE, f"{host} {what}.")
    if isinstance(error, httpx.NetworkError) or is_disconnection(error):
        return EngineError(ErrorCode.UNREACHABLE, f"{host} closes the connection before answering {url}.")
    return EngineError(ErrorCode.INVALID_RESPONSE, f"The answer to {url} is not valid HTTP: {str(error)[:120]}.")


def is_disconnection(error: Exception) -> bool:
    """Tell whether the server hung up, which often passes, rather than broke the protocol."""
    if isinstance(error, (httpx.ReadError, httpx.WriteError)):
        return True
    return isinstance(error, httpx.RemoteProtocolError) and "without sending a response" in str(error)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(20):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
