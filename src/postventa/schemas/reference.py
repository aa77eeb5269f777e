"""The contract for people: the tables of every event type and every field, as they stand in docs/events.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postventa.schemas.fields import Field
from postventa.schemas.registry import EventType, Registry

BEGIN = "<!-- generated: event tables -->"
END = "<!-- /generated -->"


def tables(registry: Registry) -> str:
    """Markdown: one table of event types, then one of fields for each thing."""
    lines = ["| event | what happened | ids it carries | once |", "|---|---|---|---|"]
    lines += [_row(known) for known in registry.types.values()]
    lines += ["", "## What is known of each thing", ""]
    lines += [
        "A field in **bold** must be there; a field in *italics* postventa works out itself, and refuses from others.",
        "",
    ]
    for thing in registry.things.values():
        lines += [f"### {thing.name}: {thing.doc}", "", "| field | holds | meaning |", "|---|---|---|"]
        lines += list(_fields(thing.fields))
        lines.append("")
    lines += ["## Fields of single events", "", "Beside the fields of its thing:", ""]
    lines += ["| event | field | holds | meaning |", "|---|---|---|---|"]
    lines += [line for known in registry.types.values() for line in _extra(known, registry)]
    return "\n".join(lines) + "\n"


def filled(text: str, registry: Registry) -> str:
    """A page with the tables between its marks brought up to date."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{tables(registry)}{END}{tail}"


def _row(known: EventType) -> str:
    ids = ", ".join(f"`{ref.field}`" + ("" if ref.required else "?") for ref in known.ids)
    doc = known.doc + (" (postventa tells it itself; a platform may, too)" if known.derived else "")
    return f"| `{known.name}` | {doc} | {ids} | {'yes' if known.once else ''} |"


def _fields(fields: Mapping[str, Field], before: str = "") -> Iterator[str]:
    for name, one in fields.items():
        path = f"{before}{name}"
        shown = f"*`{path}`*" if one.computed else f"**`{path}`**" if one.required else f"`{path}`"
        yield f"| {shown} | {_holds(one)} | {one.doc} |"
        yield from _fields(one.fields, f"{path}[]." if one.item else f"{path}.")


def _holds(one: Field) -> str:
    if one.choices:
        return " / ".join(choice.replace("*", "\\*") for choice in one.choices)
    return f"list of {one.items}" if one.type == "list" and one.items else one.type


def _extra(known: EventType, registry: Registry) -> Iterator[str]:
    thing = registry.things[known.thing]
    skip = {ref.field for ref in known.ids} | {"customer", "customer_id"}
    for name, one in known.fields.items():
        base = thing.fields.get(name)
        if name not in skip and (base is None or base.type != one.type or one.required):
            shown = f"**`{name}`**" if one.required else f"`{name}`"
            yield f"| `{known.name}` | {shown} | {_holds(one)} | {one.doc} |"
