"""`tandem emulate`: one controller on a port, until it is stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tandem_tools.bench import BenchError
from tandem_tools.bench.emulate import emulate


def test_an_emulated_controller_serves_mpremote_and_keeps_its_flash(image: Path, tmp_path: Path) -> None:
    port_file, flash = tmp_path / "port", tmp_path / "flash.bin"
    for source, expected in (
        ("f = open('kept', 'w'); f.write('yes'); f.close()", ""),
        ("print(open('kept').read())", "yes"),
    ):
        ending = threading.Event()
        said: list[str] = []
        options = {"image": image, "flash": flash, "say": said.append, "stop": ending.is_set}
        thread = threading.Thread(target=emulate, args=(port_file,), kwargs=options)
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not port_file.exists() or not port_file.read_text().endswith("\n"):
                assert time.monotonic() < deadline, "no port"
                time.sleep(0.02)
            port = json.loads(port_file.read_text())["port"]
            command = [sys.executable, "-m", "mpremote", "connect", port, "exec", source]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        finally:
            ending.set()
            thread.join(30)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == expected
        assert port in said[0]
        assert not port_file.exists()


def test_a_flash_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"the flash cannot be kept in .*no_folder/flash\.bin"):
        emulate(flash=tmp_path / "no_folder" / "flash.bin")
