"""Flash and shot memory as the records see them, with a point at which power may fail at every step of every operation.

A `Store` is what outlives a loss of power. Whoever wants to know calls `watch`: it is called at each point with the
operation's name, and may copy the store as it would be found afterwards.

Files are kept in one of two ways: `atomic`, as littlefs does it (what was written counts once the file is closed), and
`torn`, a worse one that littlefs never is: bytes count as they come, half of a piece may be there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CAPACITY = 200_000
"""Bytes of the model's file system: more than the spare ones that the journal leaves alone."""


@dataclass
class Store:
    """What outlives a loss of power: files, and the bytes of the shot memory."""

    memory: bytearray
    files: dict[str, bytes] = field(default_factory=dict)
    atomic: bool = True
    watch: Callable[[str], None] = lambda _: None

    def copy(self) -> Store:
        """Return a copy that nobody watches."""
        return Store(bytearray(self.memory), dict(self.files), self.atomic)


class Fram:
    """Shot memory: power may fail before and after every byte."""

    lasting = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self.size = len(store.memory)

    def append(self, at: int, buffer: bytearray, length: int) -> bool:
        for i in [*range(1, length + 1), 0]:
            self._store.watch("fram byte")
            self._store.memory[at + i] = buffer[i]
        self._store.watch("fram written")
        return self._store.memory[at : at + length + 1] == buffer[: length + 1]

    def read(self, at: int, buffer: bytearray, length: int) -> int:
        buffer[:length] = self._store.memory[at : at + length]
        return length


class _Open:
    """A file that is being written."""

    def __init__(self, store: Store, name: str, kept: bytes) -> None:
        self._store = store
        self._name = name
        self._data = kept

    def __enter__(self) -> _Open:
        return self

    def write(self, data: Any) -> None:
        data = bytes(data)
        if not self._store.atomic:
            self._store.watch("file write, before")
            self._store.files[self._name] = self._data + data[: len(data) // 2]
            self._store.watch("file write, in the middle")
            self._store.files[self._name] = self._data + data
            self._store.watch("file write, after")
        self._data += data

    def __exit__(self, *_: object) -> None:
        self._store.watch("file close, before")
        if sum(map(len, self._store.files.values())) + len(self._data) > CAPACITY:
            raise OSError(28, "no space")
        self._store.files[self._name] = self._data
        self._store.watch("file close, after")


class Files:
    """Files of a store, as journal and settings use them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> list[tuple[str, int]]:
        return [(name, len(data)) for name, data in self._store.files.items()]

    def read(self, name: str, at: int, buffer: bytearray, length: int) -> int:
        if name not in self._store.files:
            raise OSError(2, "no such file")
        piece = self._store.files[name][at : at + length]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        pass

    def append(self, name: str) -> _Open:
        if name not in self._store.files:
            self._store.watch("file create, before")
            self._store.files[name] = b""
            self._store.watch("file create, after")
        return _Open(self._store, name, self._store.files[name])

    def anew(self, name: str) -> _Open:
        """Open a file for writing anew: what it held is gone when it is closed, or at once where files tear."""
        self._store.watch("file anew, before")
        if not self._store.atomic or name not in self._store.files:
            self._store.files[name] = b""
        self._store.watch("file anew, after")
        return _Open(self._store, name, b"")

    def remove(self, name: str) -> None:
        self._store.watch("file remove, before")
        del self._store.files[name]
        self._store.watch("file remove, after")

    def free(self) -> int:
        return CAPACITY - sum(map(len, self._store.files.values()))


class Slots:
    """The settings' two files in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, slot: int) -> bytes | None:
        return self._store.files.get(f"settings{slot}")

    def write(self, slot: int, data: bytes) -> None:
        with Files(self._store).anew(f"settings{slot}") as file:
            file.write(data)
