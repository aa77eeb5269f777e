"""Steps that nobody can reach."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Block, Step, Tree

CODES = {"J212": "Every way to this step has left the journey before it."}


def check(tree: Tree, _known: Known) -> None:
    """Say which step is the first that nobody reaches, in each list of steps."""
    if tree.steps is not None:
        _look(tree, tree.steps)


def _look(tree: Tree, block: Block) -> None:
    for number, step in enumerate(block.steps):
        for below in step.blocks.values():
            _look(tree, below)
        if _always_ends(step) and number + 1 < len(block.steps):
            after = block.steps[number + 1]
            tree.say(after.key, "J212", f"nobody reaches this step: all leave in line {step.node.line}",
                     "move it up, or let one way go on")  # fmt: skip
            return


def _always_ends(step: Step) -> bool:
    if step.verb == "exit":
        return True
    if step.verb in {"branch", "experiment"}:
        return bool(step.blocks) and all(_ends(block) for block in step.blocks.values())
    if step.verb in {"wait_for", "ask"}:
        then = [block for slot, block in step.blocks.items() if slot.startswith("then")]
        over = step.blocks.get("on_timeout")
        return bool(then) and over is not None and _ends(over) and all(_ends(block) for block in then) and _every(step)
    return False


def _every(step: Step) -> bool:
    """Whether each event that is waited for has its own block."""
    if "then" in step.blocks or step.verb == "ask":
        return True
    return all(f"then/{name}" in step.blocks for on in step.object or () for name in on.types)


def _ends(block: Block) -> bool:
    return any(_always_ends(step) for step in block.steps)
