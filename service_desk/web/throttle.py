"""A bound on how often one address may ask for what needs no sign-in."""

import threading
import time
from collections import deque
from collections.abc import Callable

_MOST_ADDRESSES = 10_000


class Throttle:
    """At most `limit` requests of an address in `seconds`. Each web process counts for itself.

    Against a program that has gone wild, not against guessing: what it guards has names nobody can guess.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._asked: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Count a request; 0 when it may be answered, else the whole seconds to wait."""
        now = self._clock()
        with self._lock:
            if len(self._asked) >= _MOST_ADDRESSES and address not in self._asked:
                self._forget(now)
            asked = self._asked.setdefault(address, deque())
            while asked and asked[0] <= now - self._seconds:
                asked.popleft()
            if len(asked) < self._limit:
                asked.append(now)
                return 0
            return max(1, int(asked[0] + self._seconds - now))

    def _forget(self, now: float) -> None:
        """Drop the addresses that are quiet, and all when none is: memory is bounded."""
        quiet = [one for one, asked in self._asked.items() if not asked or asked[-1] <= now - self._seconds]
        for one in quiet:
            del self._asked[one]
        if not quiet:
            self._asked.clear()
