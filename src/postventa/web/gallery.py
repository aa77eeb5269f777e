"""Every message in one folder, for whoever reviews a change without an engine: a page, and the files beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from postventa.project import Project
from postventa.web.pages import environment, style
from postventa.web.previewing import Preview, sent_by
from postventa.web.tongue import Tongue

PAGE = "index.html"
_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")


def in_scheme(html: str, *, dark: bool) -> str:
    """A mail as it looks in the light or in the dark, whatever the reader's own machine prefers."""
    return _DARK.sub("@media all" if dark else "@media not all", html)


def write_gallery(made: Sequence[Preview], project: Project, folder: Path, t: Tongue) -> int:
    """`index.html`, and per message and language `.html`, `.txt`, and for the page's frames `light/` and `dark/`; all
    lengths, sizes and findings in `previews.json`. Gives the number of files."""
    written = dict(_files(made))
    rows = [{"files": one.name, **one.row()} for one in made]
    written["previews.json"] = json.dumps({"previews": rows}, ensure_ascii=False, indent=1) + "\n"
    written[PAGE] = gallery(made, project, t)
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return len(written)


def gallery(made: Iterable[Preview], project: Project, t: Tongue) -> str:
    """The page: each message in each language on a phone, in the dark and on a desktop."""
    messages: dict[str, list[dict[str, Any]]] = {}
    for one in made:
        messages.setdefault(one.message, []).append({"name": one.name, **one.row()})
    values = {
        "t": t, "brand": project.brand, "messages": messages, "release": project.hash[:12],
        "sheet": Markup(style(project.brand)),  # noqa: S704 - ours
        "senders": {name: sent_by(project.journeys, name) for name in messages},
        "wrong": sum(len(one["findings"]) for rows in messages.values() for one in rows),
    }  # fmt: skip
    return environment().get_template("gallery.html").render(values)


def _files(made: Iterable[Preview]) -> Iterable[tuple[str, str]]:
    for one in made:
        if one.mail is None:
            continue
        yield f"{one.name}.html", one.mail.html
        yield f"{one.name}.txt", f"Subject: {one.mail.subject}\nPreheader: {one.mail.preheader}\n\n{one.mail.text}"
        yield f"light/{one.name}.html", in_scheme(one.mail.html, dark=False)
        yield f"dark/{one.name}.html", in_scheme(one.mail.html, dark=True)
