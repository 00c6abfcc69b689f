"""Typed lines over a port: what comes back, what is told when nothing does, and how long anybody waits."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator

import pytest
import serial
from lone_rig import LoneRig, lone_rig_stand
from tandem.console import protocol
from tandem_tools.bench import Bench
from tandem_tools.rig.errors import NoPort, NoReply, PortBusy, PortLost, Refused, RigError
from tandem_tools.rig.line import LineClient, Reply

Figure = Callable[..., None]
Answer = Callable[[str], bytes]


class Board:
    """Something at a pseudo-terminal that echoes and answers each line as `answer` says."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave = slave
        self.heard: list[bytes] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        typed = b""
        while not self._ending.is_set():
            if not select.select([self._master], [], [], 0.02)[0]:
                continue
            try:
                data = os.read(self._master, 1024)
            except OSError:
                time.sleep(0.02)  # nobody has the port open
                continue
            self.heard.append(data)
            typed += data
            while b"\r" in typed:
                line, _, typed = typed.partition(b"\r")
                os.write(self._master, self._answer(line.removeprefix(b"\x15").decode("latin-1")))

    def say(self, data: bytes) -> None:
        """Say something unasked."""
        os.write(self._master, data)

    def unplug(self) -> None:
        """Take the terminal away."""
        if not self._ending.is_set():
            self._ending.set()
            self._thread.join()
            os.close(self._slave)
            os.close(self._master)


def echoing(replies: dict[str, bytes]) -> Answer:
    return lambda line: line.encode() + b"\r\n" + replies.get(line, b'ERROR 10 "there is no such command"\r\n')


@pytest.fixture
def at_a_port() -> Iterator[Callable[[Answer], Board]]:
    """Return a function that puts a board at a new port."""
    boards: list[Board] = []

    def put(answer: Answer) -> Board:
        boards.append(Board(answer))
        return boards[-1]

    yield put
    for board in boards:
        board.unplug()


def test_a_reply_is_taken_apart(at_a_port: Callable[[Answer], Board]) -> None:
    text = b'# a=1 b="two words"\r\n# a=2\r\n# state READY: x=1\r\nOK rig=0.1.0 text="so it is"\r\n'
    with LineClient(at_a_port(echoing({"status": text})).port) as client:
        assert client.ask("status") == Reply(
            'rig=0.1.0 text="so it is"',
            ['a=1 b="two words"', "a=2", "state READY: x=1"],
            {"rig": "0.1.0", "text": "so it is"},
            [{"a": "1", "b": "two words"}, {"a": "2"}],
        )
        assert client.remarks == ["state READY: x=1"]


def test_a_refusal_is_an_error_with_code_and_reason(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(echoing({"arm": b'ERROR 21 "the door is open"\r\n', "status": b"OK status\r\n"}))
    with LineClient(board.port) as client:
        with pytest.raises(Refused, match="'arm' was refused: ERROR 21 the door is open") as caught:
            client.ask("arm")
        assert (caught.value.code, caught.value.text) == (21, "the door is open")
        assert client.ask("status").text == "status"


def test_no_answer_says_what_was_asked_what_came_and_how_long_it_waited(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(lambda line: line.encode() + b"\r\n# half=1\r\nOK but")
    with LineClient(board.port) as client:
        began = time.monotonic()
        told = rf"no answer to 'status' from {board.port} within 0\.3 s; came: .*# half=1.*OK but"
        with pytest.raises(NoReply, match=told):
            client.ask("status", 0.3)
        assert 0.3 <= time.monotonic() - began < 0.6


def test_silence_and_an_interpreter_are_told_apart(at_a_port: Callable[[Answer], Board]) -> None:
    with (
        LineClient(at_a_port(lambda line: b"").port) as client,
        pytest.raises(NoReply, match="came: nothing"),
    ):
        client.ask("status", 0.2)
    prompt = b"Traceback\r\nNameError: name 'status' isn't defined\r\n>>> "
    with (
        LineClient(at_a_port(lambda line: line.encode() + prompt).port) as client,
        pytest.raises(NoReply, match="at its interpreter; reset it"),
    ):
        client.ask("status", 0.2)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(at_a_port: Callable[[Answer], Board]) -> None:
    kept: list[bytes] = []

    def answer(line: str) -> bytes:
        if line == "slow":
            kept.append(b"# slow=1\r\nOK slow\r\n")
            return b"slow\r\n"
        return b"".join(kept) + line.encode() + b"\r\nOK " + line.encode() + b"\r\n"

    with LineClient(at_a_port(answer).port) as client:
        with pytest.raises(NoReply):
            client.ask("slow", 0.2)
        assert client.ask("quick") == Reply("quick", [], {}, [])
        kept.clear()
        with pytest.raises(NoReply):
            client.ask("slow", 0.2)
    board = at_a_port(answer)
    with LineClient(board.port) as client:
        kept.clear()
        with pytest.raises(NoReply):
            client.ask("slow", 0.2)
        kept.clear()
        board.say(b"OK slow\r\n")
        time.sleep(0.1)
        assert client.ask("quick").text == "quick", "the late one had come before the next was asked"
        assert client.ask("other").text == "other"


def test_remarks_may_come_at_any_time_and_each_is_found_once(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(echoing({"arm": b"# state ARMING: asked\r\nOK arming\r\n"}))
    with LineClient(board.port) as client:
        board.say(b"# state STANDBY: tests passed\r\n")
        client.ask("arm")
        threading.Timer(0.2, lambda: board.say(b"# state READY: armed\r\n# script ended\r\n")).start()
        assert client.wait_for_remark("state", 1) == "state STANDBY: tests passed"
        assert client.wait_for_remark("READY", 1) == "state READY: armed"
        with pytest.raises(NoReply, match=r"no remark with 'READY' from .* within 0\.1 s; remarks: .*script ended"):
            client.wait_for_remark("READY", 0.1)


def test_what_somebody_began_to_type_is_no_part_of_a_line(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(lambda line: b"\b \b\b \b" + line.encode() + b"\r\nOK here\r\n")
    with LineClient(board.port) as client:
        assert client.ask("version").text == "here"
    assert b"".join(board.heard) == b"\x15version\r"


@pytest.mark.parametrize("line", ["", "  ", "x" * 121, "vérsion", "a\rb"])
def test_what_is_no_line_is_not_sent(at_a_port: Callable[[Answer], Board], line: str) -> None:
    board = at_a_port(echoing({}))
    with LineClient(board.port) as client, pytest.raises(ValueError, match="is not a line: 1 to 120 printable"):
        client.ask(line)
    assert board.heard == []


def test_a_flood_of_junk_does_not_hold_anybody_longer_than_the_deadline(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(lambda line: b"")
    ended = threading.Event()

    def flood() -> None:
        while not ended.is_set():
            board.say(b"\x00\xffjunk" * 20)

    with LineClient(board.port) as client:
        thread = threading.Thread(target=flood)
        thread.start()
        began = time.monotonic()
        with pytest.raises(NoReply):
            client.ask("status", 0.4)
        assert time.monotonic() - began < 1.5
        ended.set()
        while thread.is_alive():
            client.drain()
        thread.join()


def test_a_port_that_goes_away_is_told(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(lambda line: b"")
    with LineClient(board.port) as client:
        threading.Timer(0.2, board.unplug).start()
        with pytest.raises(PortLost, match=f"{board.port} went away.*cable"):
            client.ask("status", 5)
        with pytest.raises(PortLost):
            client.ask("status", 5)


def test_a_port_in_use_and_one_that_is_not_there_are_told_apart(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(echoing({}))
    with LineClient(board.port), pytest.raises(PortBusy, match=f"{board.port} is in use by another program"):
        LineClient(board.port)
    with pytest.raises(NoPort, match="there is no port /dev/ttyACM99: check the cable"):
        LineClient("/dev/ttyACM99")
    assert issubclass(PortBusy, RigError)


def test_an_open_port_can_be_given(at_a_port: Callable[[Answer], Board]) -> None:
    board = at_a_port(echoing({"version": b"OK rig=0.1.0\r\n"}))
    with serial.Serial(board.port, timeout=1) as port:
        assert LineClient(port).ask("version").fields == {"rig": "0.1.0"}


@pytest.fixture
def emulated() -> Iterator[tuple[LoneRig, LineClient]]:
    """A rig that runs by itself behind a pseudo-terminal, and a client that has it open."""
    with Bench(lone_rig_stand()) as bench:
        rig = LoneRig(bench)
        rig.boot()
        with bench.free_running("max"), LineClient(rig.board.port, deadline_s=20) as client:
            yield rig, client
        rig.board.close_port()


def test_a_rig_is_talked_to_over_its_port(emulated: tuple[LoneRig, LineClient], figure: Figure) -> None:
    _, client = emulated
    assert client.ask("version").fields["rig"] == "0.1.0"
    client.ask("set DOOR_CLOSED=0 KEY_ON=0")
    levels = {key: value for line in client.ask("get").data for key, value in line.items()}
    assert (levels["DOOR_CLOSED"], levels["KEY_ON"], levels["ESTOP_CLOSED"]) == ("0", "0", "1")
    with pytest.raises(Refused, match=r"CODE=9 is not a whole number in 0\.\.7") as caught:
        client.ask("handpiece 9")
    assert caught.value.code == protocol.BAD_VALUE
    assert any("stamp start NAME" in line for line in client.ask("help").lines)
    began = time.monotonic()
    for _ in range(20):
        client.ask("health")
    figure("rig: a question over the emulated port", round((time.monotonic() - began) * 50, 1), "ms")


def test_a_script_that_waits_tells_its_end_by_a_remark(emulated: tuple[LoneRig, LineClient]) -> None:
    rig, client = emulated
    client.ask("script add 0 DOOR_CLOSED=0")
    client.ask("stamp start SAFE:4")
    client.ask("script when SAFE 1")
    rig.bench.set_pin("SAFE", 1)
    assert client.wait_for_remark("script ended", 10).startswith("script ended steps=1 runs=1 worst_us=")
    assert client.ask("get").fields == {}


def test_a_console_flooded_with_junk_answers_the_next_line(emulated: tuple[LoneRig, LineClient]) -> None:
    _, client = emulated
    client.type(bytes(byte for byte in range(256) if byte != 3) * 8 + b"\r")
    assert client.ask("version").fields["rig"] == "0.1.0"
    assert client.ask("health").fields["errors"] == "0"


def test_a_rig_whose_supply_goes_is_told_within_the_deadline(emulated: tuple[LoneRig, LineClient]) -> None:
    rig, client = emulated
    rig.board.power(False)
    with pytest.raises((NoReply, PortLost)):
        client.ask("version", 1)
