"""The form of a journey file: which keys stand where, and what their values are. Makes a `Tree`; sees no other file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from postventa.journeys.conditions import read_condition
from postventa.journeys.reader import NAME, Reader
from postventa.journeys.tree import Block, Name, Place, Step, Tree
from postventa.journeys.words import BESIDE_EVERY_VERB, CASE, GOAL, JOURNEY, START, VARIANT, VERBS, Key
from postventa.schemas.registry import Registry
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping, Node, Scalar, Sequence
from postventa.source.yaml import Document

BLOCKS = {"block", "thens", "cases", "variants"}


def read_journey(document: Document, registry: Registry) -> Tree | None:
    """The tree of a file that is YAML; None when it holds no keys at all (the reason is in `document.problems`)."""
    if document.root is None:
        return None
    root = document.root if isinstance(document.root, Mapping) else Mapping()
    tree = Tree(document.file, root)
    if not isinstance(document.root, Mapping):
        tree.say(document.root, "J101", f"a journey is keys and values, found {document.root.says}", "journey: my-name")
        return tree
    _Form(tree, registry).journey(root)
    return tree


class _Form:
    def __init__(self, tree: Tree, registry: Registry) -> None:
        self.tree = tree
        self.reader = Reader(tree, registry)

    # --- the head of the file ----------------------------------------------------------------------------------------
    def journey(self, root: Mapping) -> None:
        self.reader.keys(root, JOURNEY, "a journey")
        values, here = self.tree.values, Place()
        for key in ("title", "owner"):
            if node := root.get(key):
                values[key] = self.reader.text(node)
        self.identity(root)
        if node := root.get("subject"):
            values["subject"] = self.reader.named("subject", node, here)
        if node := root.get("start"):
            self.start(node)
        if node := root.get("exit_on"):
            values["exit_on"] = self.reader.events(node, Place("exit_on"))
        if node := root.get("goal"):
            self.goal(node)
        if node := root.get("edits"):
            values["edits"] = self.reader.choice(node, JOURNEY["edits"].choices)
        if node := root.get("steps"):
            self.tree.steps = self.block(node, here)

    def identity(self, root: Mapping) -> None:
        """The id, which is the file's name."""
        stem = PurePosixPath(self.tree.file).stem
        node = root.get("journey")
        self.tree.id = (self.reader.name(node) if node else None) or stem
        if node is not None and NAME.fullmatch(self.tree.id) and self.tree.id != stem:
            self.tree.say(node, "J101", f"the journey is called '{self.tree.id}', its file '{stem}.yaml'",
                          f"write 'journey: {stem}', or rename the file to {self.tree.id}.yaml")  # fmt: skip

    def start(self, node: Node) -> None:
        group = self.reader.keys(node, START, "start", not_yet="start")
        if group is None:
            return
        values, place = self.tree.values, Place("start")
        if on := group.get("on"):
            values["start_types"] = self.reader.types(on, place) or ()
        values["start_where"] = self.reader.where(group, place, values.get("start_types", ()))
        if again := group.get("again"):
            values["again"] = self.reader.again(again)
        if running := group.get("while_running"):
            values["while_running"] = self.reader.choice(running, START["while_running"].choices)

    def goal(self, node: Node) -> None:
        group = self.reader.keys(node, GOAL, "goal")
        if group is None:
            return
        values, place = self.tree.values, Place("goal")
        types = (self.reader.types(on, place) if (on := group.get("on")) else None) or ()
        values["goal_types"] = types
        values["goal_where"] = self.reader.where(group, place, types)
        if within := group.get("within"):
            values["goal_within"] = self.reader.duration(within)
        if then := group.get("then"):
            values["goal_then"] = self.reader.choice(then, GOAL["then"].choices)

    # --- blocks and steps --------------------------------------------------------------------------------------------
    def block(self, node: Node, place: Place) -> Block:
        """A list of steps, or `go_on`."""
        block = Block([], node)
        if isinstance(node, Scalar) and node.text == "go_on":
            return block
        if not isinstance(node, Sequence):
            self.tree.say(node, "J105", f"expected a list of steps, or go_on, found {node.says}", "- wait: 1 day")
        elif not node.items:
            self.tree.say(node, "J113", "the list of steps is empty", "write go_on where nothing has to happen")
        else:
            for number, item in enumerate(node.items):
                inner = Place(f"{place.path}/{number}", place.scope, place.matched)
                if (step := self.step(item, inner)) is not None:
                    block.steps.append(step)
        return block

    def step(self, node: Node, place: Place) -> Step | None:
        """One step: exactly one verb, and the keys that stand beside it."""
        if isinstance(node, Scalar) and node.text in VERBS:
            self.tree.say(node, "J105", f"'{node.text}' without what it does", f"{node.text}: …")
            return None
        if not isinstance(node, Mapping) or not node.entries:
            self.tree.say(node, "J105", f"a step is a verb with an object, found {node.says}", "- send: thank-you")
            return None
        verbs = [key for key, _ in node if key.text in VERBS]
        if not verbs:
            first = next(iter(node))[0]
            self.tree.say(first, "J106", f"unknown verb '{first.text}'", suggest(first.text, VERBS, "verbs", 20))
            return None
        if len(verbs) > 1:
            self.tree.say(verbs[1], "J107", f"two verbs in one step: '{verbs[0].text}' and '{verbs[1].text}'",
                          f"begin a new step: - {verbs[1].text}: …")  # fmt: skip
        return self.verb(verbs[0].text, node, place)

    def verb(self, name: str, node: Mapping, place: Place) -> Step:
        verb = VERBS[name]
        table = {name: verb.object, **verb.keys, **BESIDE_EVERY_VERB}
        self.keys_beside(node, name, table)
        step = Step(name, node, place.path, place=place)
        thing = node.entries[name][1]
        if verb.object.kind in BLOCKS:
            step.id = self.identify(step, "")
            self.blocks(step, verb.object, thing, place)
        else:
            step.object = self.value(verb.object, thing, place)
            step.id = self.identify(step, _derived(name, thing) if verb.derives else "")
        for key, how in verb.keys.items():
            value = node.get(key)
            if value is None:
                continue
            if how.kind in BLOCKS:
                self.blocks(step, how, value, place, key)
            else:
                step.values[key] = self.value(how, value, place, step)
        return step

    def keys_beside(self, node: Mapping, verb: str, table: dict[str, Key]) -> None:
        """Unknown, missing and lonely keys of a step."""
        beside = {key: how for key, how in table.items() if key != verb}
        for key, _ in node:
            if key.text not in table and key.text not in VERBS:
                self.tree.say(key, "J104", f"unknown key '{key.text}' beside '{verb}'",
                              suggest(key.text, beside, "keys"))  # fmt: skip
            elif key.text in beside and beside[key.text].needs and beside[key.text].needs not in node:
                self.tree.say(key, "J114", f"'{key.text}' without '{beside[key.text].needs}'",
                              f"add '{beside[key.text].needs}: …' beside it")  # fmt: skip
        for key_, how in beside.items():
            if how.required and key_ not in node:
                self.tree.say(node.key(verb), "J103", f"'{verb}' needs '{key_}' beside it",
                              f"add '{key_}: …' ({how.doc})")  # fmt: skip

    def identify(self, step: Step, derived: str) -> str:
        """The explicit id, else one from verb and object, else the place in the file."""
        node = step.node.get("id")
        if node is not None and (name := self.reader.name(node)) is not None:
            step.explicit = True
            if name in {"start", "here"}:
                self.tree.say(node, "J102", f"'{name}' has a meaning of its own in 'since'", "choose another id")
            return name
        return derived or step.path

    # --- what stands below a step ------------------------------------------------------------------------------------
    def blocks(self, step: Step, how: Key, node: Node, place: Place, key: str = "") -> None:
        """The blocks of `then`, `on_timeout`, `branch`, `variants` and `steps`."""
        match how.kind:
            case "cases":
                self.cases(step, node, place)
            case "variants":
                self.variants(step, node, place)
            case "thens" if isinstance(node, Mapping):
                self.thens(step, node, place)
            case _:
                step.blocks[key] = self.block(node, self.below(step, key, place))

    def below(self, step: Step, slot: str, place: Place, types: tuple[str, ...] = ()) -> Place:
        """The place inside a block; in `then` the event just matched is this step's."""
        path = f"{place.path}/{slot}"
        if slot.startswith("then") and step.verb == "wait_for":
            return Place(path, step.id, types or _types(step.object))
        if slot.startswith("then") and step.verb == "ask":
            return Place(path, step.id, ("survey.answered",))
        return Place(path, place.scope, place.matched)

    def thens(self, step: Step, node: Mapping, place: Place) -> None:
        """One block per event of a `wait_for`."""
        for key, value in node:
            self.tree.names.append(Name("then", key.text, key, place))
            if key.text not in _types(step.object):
                self.tree.say(key, "J219", f"'{key.text}' is not waited for here",
                              suggest(key.text, _types(step.object), "waited for"))  # fmt: skip
            slot = f"then/{key.text}"
            step.blocks[slot] = self.block(value, self.below(step, slot, place, (key.text,)))

    def cases(self, step: Step, node: Node, place: Place) -> None:
        """The cases of a branch; `otherwise` is the last."""
        conditions: list[Any] = []
        step.values["cases"] = conditions
        if not isinstance(node, Sequence) or not node.items:
            self.tree.say(node, "J105", f"a branch is a list of cases, found {node.says}", "- when: …, then: …")
            return
        for number, item in enumerate(node.items):
            last = number == len(node.items) - 1
            if isinstance(item, Mapping) and "otherwise" in item:
                self.otherwise(step, item, place, last)
            elif (case := self.reader.keys(item, CASE, "a case")) is not None and "when" in case:
                conditions.append(read_condition(self.reader, case.entries["when"][1], place))
                slot = f"when/{len(conditions) - 1}"
                then = case.get("then")
                step.blocks[slot] = self.block(then, self.below(step, slot, place)) if then else Block([], item)
        if "otherwise" not in step.blocks:
            self.tree.say(
                step.key, "J118", "the branch has no 'otherwise'", "add '- otherwise: go_on' as its last item"
            )

    def otherwise(self, step: Step, item: Mapping, place: Place, last: bool) -> None:
        key, value = item.entries["otherwise"]
        if not last:
            self.tree.say(key, "J118", "'otherwise' is not the last case", "move it to the end of the branch")
        for other, _ in item:
            if other.text != "otherwise":
                self.tree.say(other, "J104", f"unknown key '{other.text}' beside 'otherwise'", "it stands alone")
        step.blocks["otherwise"] = self.block(value, self.below(step, "otherwise", place))

    def variants(self, step: Step, node: Node, place: Place) -> None:
        """The variants of an experiment, in the order of their names: the file's order means nothing."""
        weights: dict[str, int] = {}
        step.values["weights"] = weights
        if not isinstance(node, Mapping) or not node.entries:
            self.tree.say(node, "J105", f"variants are names with a weight, found {node.says}",
                          "control: {weight: 10, then: go_on}")  # fmt: skip
            return
        for key, value in sorted(node, key=lambda entry: entry[0].text):
            self.reader.name(key)
            group = self.reader.keys(value, VARIANT, "a variant")
            if group is None:
                continue
            weight, then = group.get("weight"), group.get("then")
            weights[key.text] = (self.reader.count(weight, 0, 1_000_000) if weight else None) or 0
            slot = f"variants/{key.text}"
            step.blocks[slot] = self.block(then, self.below(step, slot, place)) if then else Block([], value)

    # --- values ------------------------------------------------------------------------------------------------------
    def value(self, how: Key, node: Node, place: Place, step: Step | None = None) -> Any:
        """The value of one key, read as the table says."""
        reader = self.reader
        simple = {
            "text": reader.text, "name": reader.name, "id": reader.name, "duration": reader.duration,
            "shifts": reader.shifts, "clock": reader.clock, "days": reader.days, "if_blocked": reader.if_blocked,
            "count": reader.count, "points": reader.count, "per": reader.per, "channels": reader.channels,
            "every": reader.every,
        }.get(how.kind)  # fmt: skip
        if simple is not None:
            return simple(node)  # type: ignore[operator]
        match how.kind:
            case "choice":
                return reader.choice(node, how.choices)
            case "message" | "survey" | "reward" | "event" | "since" | "measure":
                return reader.named(how.kind, node, place)
            case "to":
                return reader.receiver(node, place)
            case "path":
                return reader.path(node, place, "waited" if step is None else "read")
            case "events":
                return reader.events(node, place)
            case "timeout":
                return reader.timeout(node, place)
            case "values":
                return reader.values(node, place)
            case "facts":
                return reader.facts(node, place)
            case "condition":
                return self.condition(node, place, step)
        raise AssertionError(f"no reader for {how.kind}")

    def condition(self, node: Node, place: Place, step: Step | None) -> Any:
        """A condition beside a verb; beside `wait_for` it looks at the event that is waited for."""
        if step is not None and step.verb == "wait_for":
            place = Place(place.path, place.scope, place.matched, True, _types(step.object))
        return read_condition(self.reader, node, place)


def _types(events: Any) -> tuple[str, ...]:
    """Every event type of a list of `On`, sorted."""
    return tuple(sorted({name for on in events or () for name in on.types}))


def _derived(verb: str, node: Node) -> str:
    """An id from verb and object: `send:thank-you`, `wait_for:order.delivered`."""
    parts = node.items if isinstance(node, Sequence) else (node,)
    words = [_word(part) for part in parts]
    return f"{verb}:{'+'.join(word for word in words if word)}"


def _word(node: Node) -> str:
    if isinstance(node, Mapping) and (event := node.get("event")) is not None:
        return _derived("", event)[1:]
    return node.text if isinstance(node, Scalar) else ""
