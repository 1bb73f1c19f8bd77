"""How many requests are worked on at once: who comes while all places are taken is told to come again."""

from collections.abc import Awaitable, Iterator

from litestar.types import Message, Receive, ReceiveMessage, Send
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from webintel.problems import Unavailable

RETRY_AFTER_SECONDS = 1


class Places:
    """The places of a process.

    Attributes:
        taken: how many requests are worked on.
        refused: how many have found no place.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.taken = 0
        self.refused = 0

    def take(self) -> None:
        """Begin with a request.

        Raises:
            Unavailable: there is no place.
        """
        if self.taken >= self._count:
            self.refused += 1
            raise Unavailable(
                "Too many requests are worked on at the moment.", code="overloaded", retry_after=RETRY_AFTER_SECONDS
            )
        self.taken += 1

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of this moment."""
        yield GaugeMetricFamily("http_requests_in_progress", "Requests that are worked on.", value=self.taken)
        yield CounterMetricFamily("http_requests_shed", "Requests that found the process full.", value=self.refused)


class Place:
    """One request's place: from when the request is here as a whole until its answer begins.

    Who sends or reads slowly, or follows a job, keeps nobody out.
    """

    __slots__ = ("_held", "_places", "_receive", "_send", "_waits")

    def __init__(self, places: Places, receive: Receive, send: Send, *, body: bool) -> None:
        self._places = places
        self._receive = receive
        self._send = send
        self._held = False
        self._waits = body
        if not body:
            self._take()

    async def receive(self) -> ReceiveMessage:
        """Receive; with the end of the body the work begins."""
        message = await self._receive()
        if self._waits and message["type"] == "http.request" and not message.get("more_body"):
            self._waits = False
            self._take()
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Send; with the beginning of the answer the work is done."""
        self.leave()
        return self._send(message)

    def leave(self) -> None:
        """Make room for the next."""
        if self._held:
            self._held = False
            self._places.taken -= 1

    def _take(self) -> None:
        self._places.take()
        self._held = True
