"""What is to be sent waits here, so that nobody waits for a host that does not read."""

_NOTE_ROOM = 40


class OutputQueue:
    """A ring of bytes. Writing never blocks: a line that does not fit whole is dropped whole, counted, and told later.

    `pending`: bytes that wait to be sent. `lost`: lines dropped and not told yet. `dropped`: all that were told.
    """

    def __init__(self, capacity: int = 4096) -> None:
        if capacity < 256:
            raise ValueError("capacity={} refused: 256 or more is needed to tell of lost lines".format(capacity))
        self._ring = bytearray(capacity)
        self._capacity = capacity
        self._first = 0
        self.pending = 0
        self.lost = 0
        self.dropped = 0

    @property
    def room(self) -> int:
        """Bytes that a line, its end included, may have to be taken."""
        return self._capacity - self.pending - _NOTE_ROOM

    def line(self, text: str) -> bool:
        """Queue one line of text, and its end. False: there was no room, the line is counted as lost.

        In a text with line ends or characters beyond ASCII every odd byte goes out as `?`: no text becomes two lines.
        """
        self.tell_lost()
        data = text.encode()
        if len(data) != len(text) or b"\n" in data or b"\r" in data:
            data = bytes([byte if 32 <= byte < 127 else 63 for byte in data])
        if self.lost or len(data) + 2 > self.room:
            self.lost += 1
            return False
        self._put(data)
        self._put(b"\r\n")
        return True

    def fixed(self, line: bytes) -> None:
        """Queue a whole line made beforehand, its end included; dropped and counted as lost like any other line.

        Does not allocate.
        """
        if self.lost or len(line) > self.room:
            self.lost += 1
            return
        at = self._first + self.pending
        for byte in line:
            self._ring[at if at < self._capacity else at - self._capacity] = byte
            at += 1
        self.pending += len(line)

    def echo(self, data: bytes | bytearray) -> None:
        """Queue bytes typed by a person; they are dropped silently when there is no room."""
        if len(data) <= self.room:
            self._put(data)

    def echo_line(self, text: str) -> None:
        """Queue a line that a person typed while it could not be echoed."""
        self.echo(text.encode() + b"\r\n")

    def tell_lost(self) -> None:
        """Queue `# n lines lost` if lines were lost and half of the queue is free again."""
        if self.lost and self.pending <= self._capacity >> 1:
            note = "# {} lines lost\r\n".format(self.lost)
            self.dropped += self.lost
            self.lost = 0
            self._put(note.encode())

    def peek(self) -> int:
        """Return the byte to be sent next, -1 if there is none. Does not allocate."""
        return self._ring[self._first] if self.pending else -1

    def drop(self) -> None:
        """Remove the byte that `peek` returned, after it was sent. Does not allocate."""
        if self.pending:
            self.pending -= 1
            self._first += 1
            if self._first == self._capacity:
                self._first = 0

    def _put(self, data: bytes | bytearray) -> None:
        at = (self._first + self.pending) % self._capacity
        straight = min(len(data), self._capacity - at)
        self._ring[at : at + straight] = data[:straight]
        if straight < len(data):
            self._ring[: len(data) - straight] = data[straight:]
        self.pending += len(data)
