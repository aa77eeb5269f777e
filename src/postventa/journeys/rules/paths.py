"""Every path leads to a fact that is in sight: it exists, and it is clear whose it is."""

from __future__ import annotations

from postventa.journeys.known import PLURAL, Known
from postventa.journeys.tree import PathUse, Tree
from postventa.source.nearest import suggest

CODES = {
    "J205": "No such fact. The fields of every thing are listed in docs/events.md.",
    "J208": "Several things of that kind may exist (an order has many lines and can have many parcels), so the path "
            "does not say which one. Use it inside the `then` of an event about one of them, or another `subject`.",
    "J209": "Nothing here says which thing is meant: not the run, nor what its ids name, nor the event just matched.",
    "J213": "Only a fact that is a time can be waited for.",
}  # fmt: skip


def check(tree: Tree, known: Known) -> None:
    """Look at every path of the file."""
    for use in tree.paths:
        if use.path.root == "event":
            _event(tree, use, known)
        elif _exists(tree, use, known) and use.role != "written":
            _in_sight(tree, use, known)
        if use.role == "waited" and use.path.kind not in {"time", "any"}:
            tree.say(use.node, "J213", f"'{use.path}' is no time", "a fact such as order.promised_at")


def _exists(tree: Tree, use: PathUse, known: Known) -> bool:
    root, parts = use.path.root, use.path.parts
    if root != "run" and known.registry.thing(root) is None:
        things = [*known.registry.things, "event", "run"]
        tree.say(use.node, "J205", f"unknown thing '{root}'", suggest(root, things, "things", 20))
        return False
    if column := known.no_column(root, parts):
        columns = sorted({*(known.columns or ()), *known.registry.known_fields("product")})
        tree.say(use.node, "J205", f"products.csv has no column '{column}'", suggest(column, columns, "it has", 24))
        return False
    if known.registry.path_kind(root, parts) is not None:
        return True
    for depth in range(len(parts)):
        if known.registry.path_kind(root, parts[: depth + 1]) is None:
            fields = known.registry.known_fields(root, parts[:depth])
            owner = ".".join((root, *parts[:depth]))
            tree.say(
                use.node, "J205", f"'{owner}' has no '{parts[depth]}'", suggest(parts[depth], fields, "it has", 24)
            )
            break
    return False


def _event(tree: Tree, use: PathUse, known: Known) -> None:
    """`event.x`: some type that may stand here has the field."""
    types = use.place.looked_at or use.place.matched or tuple(tree.values.get("start_types", ()))
    types = tuple(name for name in types if name in known.registry.types)
    if not types or use.path.parts == ("type",) or known.registry.event_kind(types, use.path.parts) is not None:
        return
    fields = sorted({field for name in types for field in known.registry.types[name].fields})
    said = use.path.parts[0]
    tree.say(use.node, "J205", f"{' and '.join(types)} carries no '{'.'.join(use.path.parts)}'",
             suggest(said, fields, "it carries", 24))  # fmt: skip


def _in_sight(tree: Tree, use: PathUse, known: Known) -> None:
    root, subject = use.path.root, tree.subject
    if not subject:
        return
    events = use.place.looked_at or use.place.matched
    if use.place.path == "goal" and _of_both(root, subject, events, known):
        tree.say(use.node, "J208", f"two {_many(root)} could be meant: the run's, and the one that reaches the goal",
                 f"use 'event.{'.'.join(use.path.parts)}'")  # fmt: skip
        return
    if root == "answer":
        if "survey.answered" not in events and not any(step.verb == "ask" for step in tree.walk()):
            tree.say(use.node, "J209", "no survey is asked here, so there is no answer", "use it after an 'ask'")
        return
    if known.in_sight(root, subject, events):
        return
    starts = tree.values.get("start_types", ())
    if subject == "customer" and starts and all(known.may_name(name, root) for name in starts):
        tree.say(use.node, "J208", f"a customer can have several {_many(root)}: which one?",
                 f"use 'event.{'.'.join(use.path.parts)}', or 'subject: {root}'")  # fmt: skip
    elif subject in known.parents(root):
        article = "an" if subject[0] in "aeiou" else "a"
        tree.say(use.node, "J208", f"{article} {subject} can have several {_many(root)}: which one?",
                 f"use it where an event names one of them, or make the journey's subject '{root}'")  # fmt: skip
    else:
        sight = sorted({subject, "customer", "run", "event"} | known.parents(subject))
        tree.say(use.node, "J209", f"nothing here says which {root} is meant", f"in sight: {', '.join(sight)}")


def _of_both(root: str, subject: str, events: tuple[str, ...], known: Known) -> bool:
    """A goal is reached by another subject's event: what both name could be either's."""
    runs_own = root != "customer" and root in {subject} | known.parents(subject)
    return runs_own and any(known.may_name(name, root) for name in events)


def _many(thing: str) -> str:
    return PLURAL.get(thing, f"{thing}s")
