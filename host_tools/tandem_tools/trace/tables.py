"""Markdown tables and headings as data, with the lines in which they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Row:
    """The cells of one row of a table, as written, and the number of its line, counted from 1."""

    cells: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Table:
    """One table: its head and its rows, each with as many cells as the head."""

    head: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Heading:
    """One heading: its text, the name by which a link finds it (`#name`), and its line, counted from 1."""

    text: str
    name: str
    line: int


def tables(text: str) -> list[Table]:
    """Return all tables of a Markdown text, in order."""
    found: list[Table] = []
    rows: list[Row] = []
    cells: list[str] = []
    for before, token in pairwise(_PARSER.parse(text)):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            cells = []
        elif token.type == "inline" and before.type in ("th_open", "td_open"):
            cells.append(token.content)
        elif token.type == "tr_close":
            rows.append(Row(tuple(cells), 0))
        elif token.type == "table_close":
            found.append(Table(rows[0], tuple(rows[1:])))
    return [_with_lines(table, start) for table, start in zip(found, _starts(text), strict=True)]


def headings(text: str) -> list[Heading]:
    """Return all headings of a Markdown text, in order."""
    return [
        Heading(inline.content, name_of(inline.content), inline.map[0] + 1)
        for opening, inline in pairwise(_PARSER.parse(text))
        if opening.type == "heading_open" and inline.map
    ]


def name_of(heading: str) -> str:
    """Return the name by which a link finds a heading: lower case, punctuation gone, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def line(cells: Sequence[object]) -> str:
    """Return one line of a table; `|` in texts would end a cell."""
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)]) + "\n"


def _starts(text: str) -> list[int]:
    return [t.map[0] + 1 for t in _PARSER.parse(text) if t.type == "table_open" and t.map]


def _with_lines(table: Table, start: int) -> Table:
    """A table's rows stand in lines of their own, without gaps: head, rule, rows."""
    rows = tuple(Row(row.cells, start + 2 + i) for i, row in enumerate(table.rows))
    return Table(Row(table.head.cells, start), rows)
