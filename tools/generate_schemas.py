"""Write what is generated from the event contract: schemas/json, schemas/asyncapi.yaml, the tables of docs/events.md.

`python tools/generate_schemas.py` after a change of the contract or of an agent's topics; a test says when it is due.
"""

from __future__ import annotations

from pathlib import Path

from postventa.agents.loader import load_agents
from postventa.schemas import export, reference
from postventa.schemas.own import load_own
from postventa.schemas.registry import builtin

ROOT = Path(__file__).parents[1]


def generated() -> dict[Path, str]:
    """Every generated file of the project and what must be in it."""
    own = {f"schemas/events/{path.name}": path.read_bytes() for path in (ROOT / "schemas/events").glob("*.yaml")}
    registry, _ = load_own(own, builtin())
    agents, _ = load_agents(ROOT / "agents", registry)
    topics = {topic: one.schema for topic, one in agents.items()}
    files = {ROOT / "schemas" / name: text for name, text in export.files(registry, topics).items()}
    page = ROOT / "docs/events.md"
    return {**files, page: reference.filled(page.read_text("utf-8"), builtin())}


def main() -> None:
    """Write the files that differ, remove schemas of events that are gone, say what changed."""
    files = generated()
    for path in sorted((ROOT / "schemas/json").glob("*.json")):
        if path not in files:
            path.unlink()
            print(f"removed {path.relative_to(ROOT)}")
    for path, text in files.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
