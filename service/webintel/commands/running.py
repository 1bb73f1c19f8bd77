"""Running a command's asynchronous part so that a signal ends it cleanly."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
EXIT_TERMINATED = 143


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGINT ends as KeyboardInterrupt, SIGTERM as SystemExit, both after the clean-up."""
    try:
        return asyncio.run(_cancelled_by_sigterm(coroutine))
    except asyncio.CancelledError:
        raise SystemExit(EXIT_TERMINATED) from None


async def _cancelled_by_sigterm(coroutine: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(coroutine)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
