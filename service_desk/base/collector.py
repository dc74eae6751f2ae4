"""The collector of cycles, set aside for work that makes very many objects and needs them all to its end."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector rest, as a block or as a decorator; it goes on afterwards.

    It begins anew with every so many new objects, and each time walks the whole desk to find nothing: measured, a
    quarter of the time that issuing thousands of policies takes. For work of a few seconds only.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Of two threads that overlap, the one that found it at work sets it to work again.
        if was_enabled:
            gc.enable()
