"""The mails of a simulation as a folder: one HTML and one text file each, and a page that lists them."""

from __future__ import annotations

from html import escape
from pathlib import Path

from postventa.testing.player import Mail
from postventa.testing.telling import Told

_STYLE = """
  :root { color-scheme: light dark; --ink: #1f2328; --soft: #656d76; --line: #d8dee4; --paper: #fff; --back: #f6f8fa }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --paper: #151b23; --back: #0d1117 }
  }
  body { margin: 0 auto; max-width: 46rem; padding: 2.5rem 1.25rem 4rem; color: var(--ink); background: var(--back);
         font: 1rem/1.55 system-ui, sans-serif }
  h1 { font-size: 1.5rem; margin: 0 0 .25rem } p { color: var(--soft); margin: 0 0 1.75rem }
  ol { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .6rem;
       background: var(--paper); overflow: hidden }
  li + li { border-top: 1px solid var(--line) }
  a { display: block; padding: .8rem 1.1rem; color: inherit; text-decoration: none }
  a:hover, a:focus-visible { background: color-mix(in srgb, var(--line) 35%, transparent) }
  strong { display: block } small { color: var(--soft); font-size: .85rem }
"""


def write_mails(told: Told, folder: Path) -> Path:
    """Write every mail that could be made into the folder (made when missing) and give the page that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, mail in enumerate((one for one in told.player.mails if one.envelope is not None), 1):
        rows.append(_write(told, mail, number, folder))
    t, journey = told.t, told.simulation.journey
    title, intro = escape(journey.title or journey.id), escape(t("What one customer would get, in this order."))
    page = (
        f'<!doctype html>\n<html lang="{t.language}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<main>\n<h1>{title}</h1>\n<p>{intro}</p>\n<ol>\n"
        + "\n".join(rows)
        + "\n</ol>\n</main>\n"
    )
    index = folder / "index.html"
    index.write_text(page, encoding="utf-8")
    return index


def _write(told: Told, mail: Mail, number: int, folder: Path) -> str:
    envelope = mail.envelope
    assert envelope is not None, "only mails that could be made are written"
    name, local = f"{number:02}-{mail.row.message}", told.local(mail.at)
    (folder / f"{name}.html").write_text(envelope.html, encoding="utf-8")
    (folder / f"{name}.txt").write_text(f"Subject: {envelope.subject}\n\n{envelope.text}", encoding="utf-8")
    when = f"{told.t.short_day(local)}, {local:%H:%M} · {mail.row.message} · {mail.row.journey}"
    return (
        f'<li><a href="{name}.html"><strong>{escape(envelope.subject)}</strong><small>{escape(when)}</small></a></li>'
    )
