"""The JUnit file of a night: as pytest wrote it, known failures made skips, and a suite for the changed figures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from tandem_tools.nightly.night import JudgedOutcome, Night

SUITE = "nightly"


def complete(path: Path, night: Night) -> None:
    """Write what the night found into pytest's file; into a new one when pytest wrote none that can be read."""
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError):
        root = ET.Element("testsuites")
    known = {_case_of(o.outcome.test): o for o in night.known_failures}
    for suite in root.iter("testsuite"):
        for case in suite.iter("testcase"):
            entry = known.get((case.get("classname", ""), case.get("name", "")))
            if entry:
                _skip(case, entry)
        _count(suite)
    root.append(_suite(night))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case_of(test: str) -> tuple[str, str]:
    """Return classname and name, as pytest's JUnit file has them, of a pytest id."""
    head, bracket, parameters = test.partition("[")
    *path, name = head.split("::")
    return ".".join([path[0].removesuffix(".py").replace("/", "."), *path[1:]]), name + bracket + parameters


def _skip(case: ET.Element, entry: JudgedOutcome) -> None:
    for child in [c for c in case if c.tag in ("failure", "error")]:
        case.remove(child)
    reason = f"known failure until {entry.known_until}: {entry.reason}"
    ET.SubElement(case, "skipped", type="known failure", message=reason).text = entry.outcome.message


def _suite(night: Night) -> ET.Element:
    """Return a suite with one case a figure, failed where it changed, and one for a run that did not end well."""
    suite = ET.Element("testsuite", name=SUITE, timestamp=night.started.isoformat(timespec="seconds"))
    for judged in night.figures:
        case = ET.SubElement(suite, "testcase", classname=f"{SUITE}.figures", name=judged.figure.name, time="0")
        if judged.judgement.regression:
            ET.SubElement(case, "failure", message=judged.sentence)
    if night.cut:
        case = ET.SubElement(suite, "testcase", classname=SUITE, name="run", time=f"{night.seconds:.3f}")
        ET.SubElement(case, "error", message=night.cut)
    _count(suite)
    return suite


def _count(suite: ET.Element) -> None:
    cases = list(suite.iter("testcase"))
    suite.set("tests", str(len(cases)))
    for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
