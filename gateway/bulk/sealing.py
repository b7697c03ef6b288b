"""A sealed file that grows by frames: four bytes of length, then a cell of the keyring.

A download opens it frame by frame. Whoever finds the file alone finds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.database.keyring import Erased, Keyring

_LENGTH = 4


class SealedFile:
    """Open for writing at a checkpoint: what lies behind it is of a batch that was never committed."""

    def __init__(self, path: Path, length: int, keyring: Keyring) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(descriptor).st_size < length:
            os.close(descriptor)
            raise FileNotFoundError(f"{path} has lost what was written to it")
        os.truncate(descriptor, length)
        self._file: BinaryIO = os.fdopen(descriptor, "r+b")
        self._file.seek(length)
        self._keyring = keyring

    def append(self, data: bytes) -> int:
        """Add a frame and make sure that it is on the disk; returns the file's length."""
        cell = self._keyring.seal_bytes(data)
        self._file.write(len(cell).to_bytes(_LENGTH) + cell)
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close it."""
        self._file.close()


def opened(path: Path, length: int, keyring: Keyring) -> Iterator[bytes]:
    """What the first ``length`` bytes of the file hold, frame by frame."""
    with path.open("rb") as file:
        while file.tell() < length:
            data = keyring.unseal(file.read(int.from_bytes(file.read(_LENGTH))))
            # The shared key is never destroyed.
            assert not isinstance(data, Erased)  # noqa: S101
            yield data
