"""Every hole in the trace, each as one sentence that says where it is and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tandem_tools.trace import page
from tandem_tools.trace.documents import HAZARDS, INSPECTIONS, METHODS, REQUIREMENTS, Documents, Requirement
from tandem_tools.trace.errors import TraceError
from tandem_tools.trace.evidence import Evidence, Outcome
from tandem_tools.trace.inspection import digest

REQUIREMENT_ID = re.compile(r"R-[A-Z]+-\d+")
HAZARD_ID = re.compile(r"H-\d+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def holes(root: Path, documents: Documents, evidence: Evidence) -> list[str]:
    """Return everything that is wrong after a whole run of the tests, or an empty list."""
    return [
        *of_documents(root, documents),
        *of_tests(documents, evidence),
        *of_marks(documents, evidence.outcomes),
        *of_pages(root, documents, evidence),
    ]


def of_documents(root: Path, documents: Documents) -> list[str]:
    """Return what is wrong with requirements, hazards and inspections by themselves; needs no run of the tests."""
    return [
        *_doubles(documents),
        *(hole for requirement in documents.requirements for hole in _of_requirement(requirement, documents)),
        *_of_hazards(documents),
        *_of_reasons(documents),
        *_of_inspections(root, documents),
    ]


def of_marks(documents: Documents, outcomes: tuple[Outcome, ...]) -> list[str]:
    """Return what is wrong with the marks of tests that ran; sound after a run of some tests, too."""
    found = []
    for function, ids in {o.function: o.proves for o in outcomes}.items():
        if not ids:
            found.append(f'{function}: the mark proves names no requirement: say which, as in proves("R-ARM-1")')
        for name in ids:
            requirement = documents.requirement(name)
            if requirement is None:
                found.append(f"{function} proves {name}, which {REQUIREMENTS} does not have: correct the id")
            elif requirement.method != "test":
                found.append(
                    f"{function} proves {name}, which is shown by {requirement.method}: take the mark away, or make "
                    f"test the method in {REQUIREMENTS}:{requirement.line}"
                )
    return found


def of_tests(documents: Documents, evidence: Evidence) -> list[str]:
    """Return the requirements to be tested that no test passed for, or that a test failed for."""
    found = []
    for requirement in documents.of_method("test"):
        outcomes = evidence.of(requirement.id)
        failed = sorted({o.test for o in outcomes if o.outcome == "failed"})
        if failed:
            found.append(f"{requirement.id}: a test that names it failed: {', '.join(failed)}")
        elif not any(o.outcome == "passed" for o in outcomes):
            skipped = f" ({outcomes[0].test} was skipped)" if outcomes else ""
            found.append(
                f"{requirement.id} ({REQUIREMENTS}:{requirement.line}): no test that names it has passed{skipped}: "
                f'mark one with @pytest.mark.proves("{requirement.id}")'
            )
    return found


def of_pages(root: Path, documents: Documents, evidence: Evidence) -> list[str]:
    """Return whether docs/trace.md or the integrator's checklist differ, but for measured values, from what is due."""
    return [*_of_trace(root, documents, evidence), *of_checklist(root, documents)]


def of_checklist(root: Path, documents: Documents) -> list[str]:
    """Return whether the integrator's checklist in the wiring guide is another than the requirements'."""
    try:
        guide, due = page.guide(root), page.guide_with_checklist(root, documents)
    except TraceError as error:
        return [str(error)]
    return [] if guide == due else [f"{page.GUIDE}: its checklist is not that of {REQUIREMENTS}: run make trace"]


def _of_trace(root: Path, documents: Documents, evidence: Evidence) -> list[str]:
    path = root / page.TRACE
    if not path.exists():
        return [f"{page.TRACE} is missing: run make test, then make trace"]
    kept = page.structure(path.read_text()).splitlines()
    due = page.structure(page.trace(documents, evidence)).splitlines()
    if kept == due:
        return []
    at = next((i for i, (a, b) in enumerate(zip(kept, due, strict=False)) if a != b), min(len(kept), len(due)))
    written, wanted = ((lines[at] if at < len(lines) else "its end") for lines in (kept, due))
    return [
        f"{page.TRACE}:{at + 1} is stale: it has {written!r} where {wanted!r} is due: run make test, then make trace"
    ]


def _doubles(documents: Documents) -> Iterator[str]:
    for where, things in ((REQUIREMENTS, documents.requirements), (HAZARDS, documents.hazards)):
        first: dict[str, int] = {}
        for thing in things:
            if thing.id in first:
                yield f"{where}:{thing.line}: {thing.id} stands in line {first[thing.id]} too: give it another number"
            first.setdefault(thing.id, thing.line)


def _of_requirement(requirement: Requirement, documents: Documents) -> Iterator[str]:
    where = f"{REQUIREMENTS}:{requirement.line}: {requirement.id}"
    if not REQUIREMENT_ID.fullmatch(requirement.id):
        yield f"{where} is no id of a requirement: write R-, capital letters, -, a number"
    if not requirement.sentence:
        yield f"{where} says nothing: write the sentence that it stands for"
    if requirement.method not in METHODS:
        yield f"{where}: the method {requirement.method!r} is not known: use {', '.join(METHODS)}"
    if requirement.sure not in documents.sure_words:
        yield f"{where}: {requirement.sure!r} is no word for how sure we are: use {', '.join(documents.sure_words)}"
    looked_at = any(i.requirement == requirement.id for i in documents.inspections)
    if requirement.method == "inspection" and not looked_at:
        yield f"{where} is to be inspected, and {INSPECTIONS} names no document for it: add a row"
    controls = any(requirement.id in hazard.controls for hazard in documents.hazards)
    if not controls and requirement.id not in documents.alone:
        yield f"{where} controls no hazard: name it in {HAZARDS}, or say why it stands alone at the end of the page"
    if controls and requirement.id in documents.alone:
        yield f"{where} controls a hazard, and is said to stand alone: take the reason away"


def _of_hazards(documents: Documents) -> Iterator[str]:
    for hazard in documents.hazards:
        where = f"{HAZARDS}:{hazard.line}: {hazard.id}"
        if not HAZARD_ID.fullmatch(hazard.id):
            yield f"{where} is no id of a hazard: write H- and a number"
        if hazard.severity not in documents.severities:
            yield f"{where}: the severity {hazard.severity!r} is not known: use {', '.join(documents.severities)}"
        if not hazard.controls:
            yield f"{where} has no control: name the requirements that control it"
        for name in hazard.controls:
            if documents.requirement(name) is None:
                yield f"{where} is controlled by {name}, which {REQUIREMENTS} does not have: correct the id"


def _of_reasons(documents: Documents) -> Iterator[str]:
    for name, reason in documents.alone.items():
        if documents.requirement(name) is None:
            yield f"{REQUIREMENTS}: {name} is said to stand alone, and there is no such requirement: correct the id"
        if not reason:
            yield f"{REQUIREMENTS}: {name} stands alone without a reason: give one"


def _of_inspections(root: Path, documents: Documents) -> Iterator[str]:
    for look in documents.inspections:
        where = f"{INSPECTIONS}:{look.line}: {look.requirement}"
        again = f"run make inspected ID={look.requirement}"
        requirement = documents.requirement(look.requirement)
        if requirement is None:
            yield f"{where} is not in {REQUIREMENTS}: correct the id"
        elif requirement.method != "inspection":
            yield f"{where} is shown by {requirement.method}: take the row away"
        if not look.found or not DATE.fullmatch(look.date):
            yield f"{where}: nobody has looked at {look.document} yet: look, then {again}"
            continue
        try:
            same = digest(root, look.document) == look.sha256
        except TraceError as error:
            yield f"{where}: {error}"
            continue
        if not same:
            yield (
                f"{where}: {look.document} has changed since it was inspected on {look.date}: look at it again, then "
                f"{again}"
            )
