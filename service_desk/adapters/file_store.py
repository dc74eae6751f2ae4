"""Files on disk by content hash, written so that a crash leaves whole files or none."""

import errno
import hashlib
import os
import tempfile
from enum import StrEnum
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoom(Exception):
    """The disk takes no more. What was kept before is untouched, of this file nothing is left."""


class Integrity(StrEnum):
    """What became of a kept file."""

    INTACT = "intact"
    MISSING = "missing"
    CHANGED = "changed"


class FileStore:
    """A folder of immutable files. The key is the SHA-256 of the content."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes) -> str:
        """Keep the bytes and return their key. They are on the disk when this returns; NoRoom when it is full."""
        key = hashlib.sha256(content).hexdigest()
        path = self._path(key)
        if path.exists():
            return key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, content)
        except OSError as error:
            if error.errno in _FULL:
                raise NoRoom from error
            raise
        return key

    def _write(self, path: Path, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            beside = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        # The name as well: without this a power cut may take a file whose bytes are on the disk.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def get(self, key: str) -> bytes:
        """The bytes of a key; FileNotFoundError when there are none."""
        return self._path(key).read_bytes()

    def write_part(self, name: str, offset: int, content: bytes) -> None:
        """Write a piece of a file that is still arriving; what lay behind it is dropped. On the disk on return."""
        path = self._part(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(offset)
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def part_size(self, name: str) -> int:
        """How many bytes of an arriving file are here; 0 when none is."""
        path = self._part(name)
        return path.stat().st_size if path.exists() else 0

    def read_part(self, name: str) -> bytes:
        """What has arrived of a file; FileNotFoundError when nothing has."""
        return self._part(name).read_bytes()

    def drop_part(self, name: str) -> None:
        """Forget an arriving file, which may be gone already."""
        self._part(name).unlink(missing_ok=True)

    def _part(self, name: str) -> Path:
        if not name.replace("-", "").isalnum():
            raise FileNotFoundError(name)
        return self._root / "arriving" / name

    def check(self, key: str) -> Integrity:
        """Read a file again and say whether it still is what its key says."""
        try:
            with self._path(key).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return Integrity.MISSING
        return Integrity.INTACT if found == key else Integrity.CHANGED

    def _path(self, key: str) -> Path:
        if len(key) != 64 or not key.isalnum():
            raise FileNotFoundError(key)
        return self._root / key[:2] / key[2:]
