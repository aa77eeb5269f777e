"""Bodies kept on disk: found again they are what they were; changed, damaged or out of reach they are compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundle import BRAND, LINKS, META, catalog

from postventa.templates import MessageCatalog, RenderError, kept
from postventa.templates.sample import sample_context

FILES = {
    "m/es.md": "Hola {{ customer.first_name }}\n\n::: stars\n\n{% if order is defined %}\nsí\n{% endif %}\n",
    "m/en.md": "Última oportunidad: <b>{{ order.total }}</b>\n",
    "m/coffee/es.html": "<p>{{ order.total }}</p>\n<p>{{ links.unsubscribe }} {{ brand.postal_address }}</p>\n",
    "own/es.md": "Uno {{ order.total }}\n",
    "own/es.txt": "Dos\n{{ order.number }}\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which bodies are kept."""
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def only_kept(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on nothing can be compiled."""

    def compile_body(file: str, *_: Any) -> Any:
        raise AssertionError(f"{file} is compiled")

    return lambda: monkeypatch.setattr("postventa.templates.compile.compile_body", compile_body)


def everything(made: MessageCatalog) -> list[Any]:
    """What a catalog is good for: the mails, what they read, and where."""
    mails = [
        made.render(name, locale, {**sample_context(locale), "links": LINKS}, variant=variant)
        for name in made
        for locale in made.locales(name)
        for variant in (None, *made.variants(name))
    ]
    return [mails, made.readings(), [reading.spot for reading in made.readings()]]


def test_a_kept_body_is_what_it_was(folder: Path, only_kept: Callable[[], None]) -> None:
    first, told = catalog(FILES)
    assert {problem.code for problem in told} == {"T111", "T116"}
    assert len(list(folder.iterdir())) == 4
    only_kept()
    again, told_again = catalog(FILES)
    assert told_again == told
    assert everything(again) == everything(first)


def test_an_error_at_run_time_names_the_authors_line(folder: Path, only_kept: Callable[[], None]) -> None:
    files = {"m/es.md": "Uno\n\n::: button [Ver](https://x.example)\n\nDos {{ order.numbr }}\n"}
    catalog(files)
    only_kept()
    made, _ = catalog(files)
    with pytest.raises(RenderError, match="is missing") as error:
        made.render("m", "es", {"links": LINKS, "order": {"number": "1"}})
    assert (error.value.variable, error.value.where) == ("order.numbr", "templates/m/es.md:5")


@pytest.mark.parametrize(
    ("files", "brand"),
    [
        ({"m/es.md": "Otra cosa\n"}, BRAND),
        ({"m/es.md": "Una cosa\n"}, BRAND.replace(b"Clara", b"Berta")),
        ({"m/es.md": "Una cosa\n"}, BRAND + b"colours: {accent: '#7f0000'}\n"),
        ({"m/es.md": "Una cosa\n", "m/es.txt": "Otra\n"}, BRAND),
        ({"m/es.md": "Una cosa\n", "m/message.yaml": META.replace("soft_opt_in", "transactional")}, BRAND),
        ({"m/pt.md": "Una cosa\n", "m/message.yaml": META.replace("es:", "pt:")}, BRAND),
    ],
)
def test_whatever_makes_a_body_makes_another_one(
    files: dict[str, str], brand: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog({"m/es.md": "Una cosa\n"})
    changed = catalog(files, brand=brand)[0]
    monkeypatch.setenv(kept.VARIABLE, "")
    assert everything(changed) == everything(catalog(files, brand=brand)[0])
    assert len(list(folder.iterdir())) == 2


def test_another_postventa_compiles_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog(FILES)
    monkeypatch.setattr(kept, "_makers", lambda: "the next version")
    catalog(FILES)
    assert len(list(folder.iterdir())) == 8


def test_what_is_broken_is_told_every_time(folder: Path) -> None:
    files = {"m/es.md": "Uno {{ order.total", "m/en.md": "One\n"}
    told = catalog(files)[1]
    assert ("templates/m/es.md:1:5", "T110") in [(problem.where, problem.code) for problem in told]
    assert catalog(files)[1] == told
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw.replace(b"total", b"taxes"),
        lambda raw: b"\xff" + raw,
    ],
)
def test_a_damaged_file_is_compiled_and_written_anew(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    first, _ = catalog(FILES)
    whole = {path: path.read_bytes() for path in folder.iterdir()}
    for path, raw in whole.items():
        path.write_bytes(damage(raw))
    assert everything(catalog(FILES)[0]) == everything(first)
    assert {path: path.read_bytes() for path in folder.iterdir()} == whole


def test_a_folder_out_of_reach_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "file" / "kept"))
    first, problems = catalog(FILES)
    monkeypatch.setenv(kept.VARIABLE, "")
    second, others = catalog(FILES)
    assert (everything(first), problems) == (everything(second), others)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kept.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert kept.folder() == Path("/cache/postventa/bodies")
    monkeypatch.setenv(kept.VARIABLE, "")
    assert kept.folder() is None


def test_the_folder_does_not_grow_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 4)
    for text in "abcdef":
        kept._make_room.cache_clear()  # another process
        catalog({"m/es.md": text})
        assert len(list(folder.iterdir())) <= 5
