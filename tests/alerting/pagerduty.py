"""A receiver on loopback that speaks PagerDuty's Events API v2, and the other end of the dead man's switch."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
PATIENCE = 300.0
SEVERITIES = {"critical", "error", "warning", "info"}
Event = dict[str, Any]


def fault(event: Event) -> str | None:
    """Why PagerDuty would refuse an event."""
    payload = event.get("payload", {})
    triggers = event.get("event_action") == "trigger"
    demands = {
        "no such routing key": event.get("routing_key") == ROUTING_KEY,
        "no such action": event.get("event_action") in {"trigger", "acknowledge", "resolve"},
        "dedup_key has to have 1 to 255 characters": 0 < len(event.get("dedup_key", "")) <= 255,
        "payload.summary has to have 1 to 1024 characters": not triggers or 0 < len(payload.get("summary", "")) <= 1024,
        "payload.source is missing": not triggers or payload.get("source"),
        "no such severity": not triggers or payload.get("severity") in SEVERITIES,
    }
    return next((wrong for wrong, met in demands.items() if not met), None)


@dataclass
class Incident:
    """All that was said under one dedup key."""

    component: str
    severity: str
    events: list[Event] = field(default_factory=list)

    @property
    def alert(self) -> str:
        """The alert that was told last."""
        return str([event for event in self.events if event["event_action"] == "trigger"][-1]["payload"]["class"])

    @property
    def alerts(self) -> list[str]:
        """All that were told, each once."""
        return list(
            dict.fromkeys(event["payload"]["class"] for event in self.events if event["event_action"] == "trigger")
        )

    @property
    def open(self) -> bool:
        return self.events[-1]["event_action"] != "resolve"

    @property
    def resolved(self) -> int:
        return sum(event["event_action"] == "resolve" for event in self.events)

    def __str__(self) -> str:
        said = " ".join(event["event_action"] for event in self.events)
        return f"{self.severity} {', '.join(self.alerts)} of {self.component}: {said}"


class PagerDuty:
    """Answers as PagerDuty does, and keeps what it was told."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.alive = 0
        self._incidents: list[Incident] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._incidents.clear()

    def incidents(self, severity: str | None = None) -> list[Incident]:
        with self._lock:
            return [one for one in self._incidents if severity in {None, one.severity}]

    def pages(self) -> list[Incident]:
        """What wakes somebody."""
        return self.incidents("critical")

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            told = "\n".join(str(one) for one in self.incidents()) or "nothing"
            assert time.monotonic() < deadline, f"still not: {what}. PagerDuty was told:\n{told}\n{self.refused}"
            time.sleep(0.1)

    def _take(self, path: str, body: Event) -> tuple[int, Event]:
        if path == "/alive":
            self.alive += 1
            return 200, {}
        if wrong := fault(body):
            self.refused.append(f"{wrong}: {body}")
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": [wrong]}
        with self._lock:
            # A resolved incident is over: the same key begins another.
            known = [one for one in self._incidents if one.events[-1]["dedup_key"] == body["dedup_key"]]
            payload = body.get("payload", {})
            if not known or (not known[-1].open and body["event_action"] == "trigger"):
                known.append(Incident(payload.get("component", ""), payload.get("severity", "")))
                self._incidents.append(known[-1])
            known[-1].events.append(body)
        return 202, {"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = take(self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
