"""Real processes of the desk, told apart by what they print."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Four processes that start at once on two busy cores need their time; nothing waits this long when all is well.
PATIENCE_SECONDS = 240


class Desk:
    """Processes under test, and one queue of everything they print: `(process, line)`."""

    def __init__(self, **settings: str) -> None:
        self.lines: queue.Queue[tuple[subprocess.Popen[str], str]] = queue.Queue()
        self.processes: list[subprocess.Popen[str]] = []
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environment = {**kept, "LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1", **settings}

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        """Start `python -m words…`."""
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={**self._environment, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def wait_for(self, words: str) -> tuple[subprocess.Popen[str], str]:
        """The next line with these words and who printed it; other lines are passed over."""
        passed = []
        while True:
            try:
                process, line = self.lines.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                raise AssertionError(f"nobody printed {words!r}, but:\n" + "".join(passed)) from None
            if words in line:
                return process, line
            passed.append(line)

    def wait_for_event(self, event: str, **fields: Any) -> subprocess.Popen[str]:
        """The next structured log line of an event with these fields: who wrote it."""
        while True:
            process, line = self.wait_for(f'"event": "{event}"')
            entry = json.loads(line)
            if all(entry.get(name) == value for name, value in fields.items()):
                return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.put((process, line))


@contextmanager
def desk(**settings: str) -> Iterator[Desk]:
    """Processes that share settings; whatever still runs at the end is killed."""
    running = Desk(**settings)
    try:
        yield running
    finally:
        for process in running.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def stop(process: subprocess.Popen[str]) -> int:
    """Ask a process to stop; its exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE_SECONDS)
