"""Files on disk by content hash, written so that a crash leaves whole files or none."""

import hashlib
import os
import tempfile
from pathlib import Path


class FileStore:
    """A folder of immutable files. The key is the SHA-256 of the content."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes) -> str:
        """Keep the bytes and return their key. They are on the disk when this returns."""
        key = hashlib.sha256(content).hexdigest()
        path = self._path(key)
        if path.exists():
            return key
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
        return key

    def get(self, key: str) -> bytes:
        """The bytes of a key; FileNotFoundError when there are none."""
        return self._path(key).read_bytes()

    def _path(self, key: str) -> Path:
        if len(key) != 64 or not key.isalnum():
            raise FileNotFoundError(key)
        return self._root / key[:2] / key[2:]
