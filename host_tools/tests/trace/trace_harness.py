"""A small repository with every kind of document, in which one thing at a time can be spoiled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tandem_tools.trace import check, documents, evidence, inspection, page
from tandem_tools.trace.documents import HAZARDS, INSPECTIONS, REQUIREMENTS

REPOSITORY = Path(__file__).parents[3]

PAGES = {
    REQUIREMENTS: """# Requirements

| sure | means |
|---|---|
| own | no clause |

| id | requirement | method | clause | sure |
|---|---|---|---|---|
| R-ARM-1 | Arming takes two seconds. | test | | own |
| R-STP-1 | SAFE stops at once. | test | | own |
| R-DOC-1 | The page says what it is. | inspection | | own |
| R-INT-1 | The stop is red. | integrator | | own |
| R-LED-1 | The LED blinks. | test | | own |

| id | stands alone because |
|---|---|
| R-LED-1 | nothing depends on it |
""",
    HAZARDS: """# Hazards

| severity | means |
|---|---|
| critical | an eye |

| id | cause | effect | severity | controls | what remains |
|---|---|---|---|---|---|
| H-1 | it fires too early | an eye is hit | critical | R-ARM-1 R-STP-1 | nothing |
| H-2 | it is mistaken for another | it is used wrongly | critical | R-DOC-1, R-INT-1 | nothing |
""",
    INSPECTIONS: """# Inspections

| requirement | document | looked for | found | date | SHA-256 |
|---|---|---|---|---|---|
| R-DOC-1 | README.md#what-it-is | what it is | a controller | | |
""",
    "README.md": "# Small\n\nIntroduction.\n\n## What it is\n\nA research controller.\n\n## More\n\nText.\n",
    page.GUIDE: f"# Wiring\n\n{page.BEGIN}{page.END}\n\nThe end.\n",
}

TESTS = """
import pytest

@pytest.mark.proves("R-ARM-1")
@pytest.mark.parametrize("ms", [2000, 2001])
def test_arming(ms, figure):
    figure(f"arming {ms}", ms, "ms", ">= 2000")
    assert ms >= 2000

@pytest.mark.proves("R-STP-1", "R-LED-1")
def test_stop():
    pass

def test_something_else():
    pass
"""


class Small:
    """The repository in a folder. `outcomes` and `figures` are as if its tests had run; `spoil` changes one page."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in PAGES.items():
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_text(text)
        self.outcomes = [
            evidence.Outcome("test_small.py::test_arming[2000]", ("R-ARM-1",), "passed"),
            evidence.Outcome("test_small.py::test_arming[2001]", ("R-ARM-1",), "passed"),
            evidence.Outcome("test_small.py::test_stop", ("R-LED-1", "R-STP-1"), "passed"),
        ]
        self.figures = [self.figure(2000), self.figure(2001)]
        inspection.record(root, self.documents, "R-DOC-1")
        self.write_pages()

    def figure(self, ms: int) -> evidence.Figure:
        test = f"test_small.py::test_arming[{ms}]"
        return {"name": f"arming {ms}", "value": ms, "unit": "ms", "limit": ">= 2000", "test": test}

    def path(self, name: str) -> Path:
        return self.root / name

    @property
    def documents(self) -> documents.Documents:
        return documents.read(self.root)

    @property
    def evidence(self) -> evidence.Evidence:
        return evidence.Evidence(tuple(self.outcomes), tuple(self.figures))

    def write_pages(self) -> None:
        """Write trace and checklist, as `make trace` does."""
        self.path(page.GUIDE).write_text(page.guide_with_checklist(self.root, self.documents))
        self.path(page.TRACE).write_text(page.trace(self.documents, self.evidence))

    def spoil(self, name: str, old: str, new: str) -> None:
        text = self.path(name).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.path(name).write_text(text.replace(old, new))

    def holes(self) -> list[str]:
        return check.holes(self.root, self.documents, self.evidence)

    def with_tests(self, tests: str = TESTS) -> None:
        """Put the real conftest.py of this repository beside tests that pytest can run."""
        shutil.copy(REPOSITORY / "conftest.py", self.root)
        self.path("pytest.ini").write_text("[pytest]\naddopts = -q --strict-markers\ntestpaths = .\nmarkers = proves\n")
        self.path("test_small.py").write_text(tests)

    def kept(self, name: str) -> list[dict[str, object]]:
        return json.loads(self.path(name).read_text())
