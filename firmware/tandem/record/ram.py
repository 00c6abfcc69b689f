"""A memory for the journal where there is no shot memory: what it holds is lost with the power."""


class RamMemory:
    """Bytes that records are written into as they happen; see `record.journal.Memory`."""

    lasting = False

    def __init__(self, size: int) -> None:
        self.size = size
        self._bytes = bytearray(size)

    def append(self, at: int, buffer: bytearray, length: int) -> bool:
        """Take a buffer's beginning and the byte behind it. Allocates nothing."""
        kept = self._bytes
        for i in range(length + 1):
            kept[at + i] = buffer[i]
        return True

    def read(self, at: int, buffer: bytearray, length: int) -> int:
        """Give bytes into a buffer's beginning; return `length`."""
        buffer[:length] = self._bytes[at : at + length]
        return length
