"""What is mutated, which tests have to notice, and where both are put together for the run."""

from __future__ import annotations

import ast
import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FIRMWARE = ROOT / "firmware"
WORK = ROOT / "build" / "mutants"
MUTATED = ("tandem/safety/*.py", "tandem/energy/window.py", "tandem/energy/photodiode.py")
"""The pure parts that decide. Of `tandem/timing`, `sequencer.py` is a contract without logic; the rest is hardware."""
TESTS = ("tests/safety", "tests/test_energy.py")
QUICK = (
    *(f"tests/safety/test_safety_{name}.py" for name in ("faults", "inputs", "scope", "states", "supervisor")),
    "tests/test_energy.py",
)
"""The tests that run for each mutant: not those that take minutes, nor those that need another interpreter."""

_CONFIGURATION = """\
[tool.mutmut]
source_paths = ["tandem"]
only_mutate = {mutated}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
timeout_multiplier = 10.0
use_git_change_detection = false
on_dependency_change = "rerun"

[tool.pytest.ini_options]
addopts = "-q --strict-markers --timeout=120"
markers = ["slow", "proves(*ids)"]
"""


def mutated_files() -> list[Path]:
    """Return the sources that are mutated, as paths in the repository."""
    return sorted(path for pattern in MUTATED for path in FIRMWARE.glob(pattern))


def fingerprint(source: str) -> str:
    """Return a hash of what a source does: comments, docstrings and layout do not count."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_text(s)] or [ast.Pass()]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def fingerprints() -> dict[str, str]:
    """Return the fingerprint of each source that is mutated, by its path in the repository."""
    return {path.relative_to(ROOT).as_posix(): fingerprint(path.read_text("utf-8")) for path in mutated_files()}


def assemble() -> Path:
    """Put sources, tests and configuration into the working folder; what an earlier run found there is dropped."""
    shutil.rmtree(WORK, ignore_errors=True)
    bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(FIRMWARE / "tandem", WORK / "tandem", ignore=bytecode)
    (WORK / "tests").mkdir()
    for name in TESTS:
        source = FIRMWARE / name
        if source.is_dir():
            shutil.copytree(source, WORK / name, ignore=bytecode)
        else:
            shutil.copy2(source, WORK / name)
    shutil.move(WORK / "tests/safety/quiet.py", WORK / "tests/conftest.py")
    configuration = _CONFIGURATION.format(mutated=_listed(MUTATED), tests=_listed(QUICK))
    (WORK / "pyproject.toml").write_text(configuration, "utf-8")
    return WORK


def _listed(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"
