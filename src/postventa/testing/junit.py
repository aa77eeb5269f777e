"""The results of scenarios as build servers read them (JUnit's XML)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from postventa.source.problem import Problem
from postventa.testing.scenario import Verdict
from postventa.testing.tongue import Tongue


def junit_xml(verdicts: Sequence[Verdict], problems: Sequence[Problem], t: Tongue) -> str:
    """One case per scenario: failed with the comparison, or an error for a file that could not be read."""
    broken = sorted({one.file for one in problems})
    failed = sum(not one.passed for one in verdicts)
    counts = {"tests": len(verdicts) + len(broken), "failures": failed, "errors": len(broken)}
    suite = Element("testsuite", {"name": "postventa test", **{key: str(value) for key, value in counts.items()}})
    for verdict in verdicts:
        case = _case(suite, verdict.file, verdict.title)
        if not verdict.passed:
            rows = "\n".join(f"{row.sign} {_when(row.at, t)}{row.kind} {row.what}  {row.place}" for row in verdict.rows)
            first = next(row for row in verdict.rows if row.sign != " ")
            message = f"{verdict.file}:{verdict.line}: {first.sign} {first.kind} {first.what}"
            SubElement(case, "failure", {"message": message}).text = rows
    for file in broken:
        found = [one for one in problems if one.file == file]
        text = "\n".join(str(one) for one in found)
        SubElement(_case(suite, file, file), "error", {"message": found[0].message}).text = text
    indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _case(suite: Element, file: str, title: str) -> Element:
    return SubElement(suite, "testcase", {"classname": file.removesuffix(".yaml").replace("/", "."), "name": title,
                                          "file": file})  # fmt: skip


def _when(at: datetime | None, t: Tongue) -> str:
    return f"{t.moment(at)} " if at is not None else ""
