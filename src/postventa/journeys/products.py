"""products.csv: what the shop sells, one row per article. Journeys read it as `line.product.*`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from postventa.core.event import Plain
from postventa.source.nearest import did_you_mean
from postventa.source.problem import Problem

FILE = "products.csv"
COLUMNS = (
    "sku", "name", "category", "url", "image", "tutorial_url", "manual_url", "warranty_months", "service_every",
    "goes_with",
)  # fmt: skip

CODES = {
    "P101": "products.csv is UTF-8 text with commas; its first row names the columns, and one of them is `sku`.",
    "P102": "A row has more cells than there are columns: a text with a comma needs quotes.",
    "P103": "Two rows have the same sku; the first counts.",
    "P104": "`warranty_months` is a whole number.",
    "P105": "A row without a sku belongs to nothing.",
}

Products = Mapping[str, Mapping[str, Plain]]


def load_products(raw: bytes | None, file: str = FILE) -> tuple[Products, list[Problem]]:
    """Products by sku, and what is wrong. Empty cells are missing values; further columns are kept as text."""
    if raw is None:
        return {}, []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return {}, [Problem(file, line, 1, "P101", "the file is not UTF-8 text", "save it as UTF-8")]
    problems: list[Problem] = []
    found: dict[str, dict[str, Plain]] = {}
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip() for name in next(rows, [])]
        if "sku" not in header:
            hint = did_you_mean("sku", header) or f"write: {','.join(COLUMNS)}"
            return {}, [Problem(file, 1, 1, "P101", "there is no column 'sku'", hint)]
        for cells in rows:
            if any(cell.strip() for cell in cells):
                _row(file, rows.line_num, header, cells, found, problems)
    except csv.Error as error:
        problems.append(Problem(file, rows.line_num, 1, "P101", f"the file is not CSV: {error}", "check its quotes"))
    return found, problems


def _row(
    file: str,
    line: int,
    header: list[str],
    cells: list[str],
    found: dict[str, dict[str, Plain]],
    problems: list[Problem],
) -> None:
    """One article."""

    def say(code: str, message: str, help_: str) -> None:
        problems.append(Problem(file, line, 1, code, message, help_))

    if len(cells) > len(header):
        say("P102", f"{len(cells)} cells under {len(header)} columns", "put a text with a comma in quotes")
    values: dict[str, Plain] = {
        name: cell.strip() for name, cell in zip(header, cells, strict=False) if name and cell.strip()
    }
    sku = values.get("sku")
    if not sku:
        say("P105", "a row without sku", "fill it in, or delete the row")
    elif sku in found:
        say("P103", f"a second row for '{sku}'", "keep one of them")
    else:
        if (months := values.get("warranty_months")) is not None:
            if str(months).isdigit():
                values["warranty_months"] = int(months)
            else:
                say("P104", f"warranty_months is '{months}'", "a whole number, like 36")
                del values["warranty_months"]
        if "goes_with" in values:
            values["goes_with"] = str(values["goes_with"]).replace(",", " ").replace(";", " ").split()
        found[sku] = values
