"""What an editor shows while a file is typed: each key with its meaning, the shape of its value, and examples.

For files that are read by hand rather than by a pydantic model; `closed` makes their JSON Schema. A model's comes from
`of_model`, its words from the text below each of its fields.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel

from postventa.source.language import paragraphs, told

Json = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"


@dataclass(frozen=True, slots=True)
class Hint:
    """One key: what it means, in a sentence without its full stop, and what may stand behind it."""

    doc: str
    shape: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    examples: tuple[Any, ...] = ()
    says: str = ""
    """What is expected, for an editor to say where the value has another shape."""


def closed(hints: Mapping[str, Hint]) -> Json:
    """A group of keys that takes these and no others."""
    schema: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: explained(name, hint) for name, hint in hints.items()},
    }
    if required := [name for name, hint in hints.items() if hint.required]:
        schema["required"] = required
    return schema


def explained(name: str, hint: Hint) -> Json:
    """A value's schema with all that a bubble over its key tells."""
    text = sentence(hint.doc)
    shown: Json = {"title": name, "description": plain(text), "markdownDescription": text, **beside(hint.shape)}
    if hint.examples:
        shown["examples"] = list(hint.examples[:2])
    if hint.says and "pattern" in shown:
        shown["patternErrorMessage"] = hint.says
    return shown


def beside(shape: Mapping[str, Any]) -> Json:
    """A shape that other words may stand beside: next to a bare reference they would not count."""
    return {"allOf": [dict(shape)]} if "$ref" in shape else dict(shape)


def sentence(text: str) -> str:
    """`text` as a sentence: a capital letter, unless it begins with code, and a full stop."""
    ended = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    return f"{ended[0].upper()}{ended[1:]}"


def plain(text: str) -> str:
    """Without the marks of Markdown, for editors that show none."""
    return text.replace("`", "").replace("**", "")


# --- in another language ----------------------------------------------------------------------------------------------
def in_language(schema: Any, language: str) -> Any:
    """The same schema whose bubbles and messages are told in `language`; what has no translation stays English."""
    if isinstance(schema, list):
        return [in_language(one, language) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: in_language(value, language) for key, value in schema.items()}
    if isinstance(text := schema.get("markdownDescription", schema.get("description")), str):
        said = paragraphs(text, language)
        made["description"] = plain(said)
        if "markdownDescription" in schema:
            made["markdownDescription"] = said
    if isinstance(text := schema.get("patternErrorMessage"), str):
        made["patternErrorMessage"] = told(text, language)
    if isinstance(texts := schema.get("markdownEnumDescriptions"), list):
        meanings = [paragraphs(one, language) for one in texts]
        made |= {"enumDescriptions": meanings, "markdownEnumDescriptions": meanings}
    return made


# --- from pydantic models ---------------------------------------------------------------------------------------------
def of_model(model: type[BaseModel], title: str) -> Json:
    """The schema of a file that a model reads, every key with the text that stands below its field in the code."""
    schema = model.model_json_schema(by_alias=True)
    parts = {model.__name__: schema, **schema.get("$defs", {})}
    for form in _forms(model):
        part, docs = parts.get(form.__name__), docs_of(form)
        if part is None:
            continue
        part.pop("title", None)
        for name, known in form.model_fields.items():
            key = known.alias or name
            shown = part.get("properties", {}).get(key)
            if shown is not None:
                text = docs.get(name, "")
                part["properties"][key] = {**shown, "title": key, **_doc(text)}
    return {"$schema": DRAFT, **_draft_7(schema), "title": title}


def docs_of(form: type[BaseModel]) -> dict[str, str]:
    """Field -> the text below it in the code, for every field that has one."""
    body = ast.parse(textwrap.dedent(inspect.getsource(form))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for one, below in zip(body.body, body.body[1:], strict=False):
        match one, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text).replace("\n", " ")
    return found


def _doc(text: str) -> Json:
    return {"description": plain(sentence(text)), "markdownDescription": sentence(text)} if text else {}


def _forms(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model below it, once each."""
    seen, waiting = set[type[BaseModel]](), [model]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            yield one
            waiting += [inner for known in one.model_fields.values() for inner in _models(known.annotation)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _draft_7(schema: Any) -> Any:
    """The same in the dialect that editors know best: `definitions` for `$defs`, `items` lists for `prefixItems`."""
    if isinstance(schema, list):
        return [_draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    names = {"$defs": "definitions", "prefixItems": "items"}
    made = {names.get(key, key): _draft_7(value) for key, value in schema.items()}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = made["$ref"].replace("#/$defs/", "#/definitions/")
    if isinstance(made.get("discriminator"), dict):
        made.pop("discriminator")
    if not isinstance(made.get("default"), str | int | bool | list | None):
        made.pop("default", None)  # a duration in parts tells nobody anything
    reference = made.pop("$ref", None)
    return made if reference is None else {**made, **(beside({"$ref": reference}) if made else {"$ref": reference})}
