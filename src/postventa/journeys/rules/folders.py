"""`choose_by` finds the sub-folders it chooses from."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree
from postventa.source.nearest import suggest

CODES = {
    "J244": "`choose_by` chooses a sub-folder of the message, templates/<message>/<value>/. There is none, so "
            "everybody would get the same text.",
    "J245": "The message has a sub-folder that no product of products.csv leads to: nobody would get that text.",
}  # fmt: skip

_COLUMNS = {"line.category": "category", "line.product.category": "category", "line.sku": "sku"}


def check(tree: Tree, known: Known) -> None:
    """Look at every `choose_by`."""
    for step in tree.walk():
        by = step.values.get("choose_by")
        if by is None or step.object not in known.messages:
            continue
        folders = known.folders.get(step.object)
        if folders is None:
            continue
        if not folders:
            tree.say(step.at("choose_by"), "J244", f"the message '{step.object}' has no sub-folder to choose from",
                     f"make templates/{step.object}/<{by.parts[-1]}>/, or leave 'choose_by' out",
                     warning=True)  # fmt: skip
        column = known.products.get(_COLUMNS.get(str(by), ""))
        for folder in folders:
            if column and folder not in column:
                tree.say(step.at("choose_by"), "J245",
                         f"no product leads to templates/{step.object}/{folder}/",
                         suggest(folder, sorted(column), f"{by.parts[-1]} in products.csv"), warning=True)  # fmt: skip
