"""`python -m bench [--quick] [NAME …]`: measures, prints the machine and a table of figures beside what was asked for.

The exit code is 0 whatever the figures say: a bench informs, tests judge.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

from bench import command, core, due, ingest, mails
from bench.figure import Figure, machine, table


def parts(quick: bool) -> dict[str, Callable[[], Iterable[Figure]]]:
    """What can be measured, by name; quick is a length for every change, the figures of a busy machine waver more."""
    return {
        "ingest": lambda: [ingest.measure(3 if quick else 9)],
        "advance": lambda: core.measure(5 if quick else 11, 150 if quick else 500),
        "due": lambda: due.measure(30 if quick else 200, 20_000 if quick else 100_000),
        "mails": lambda: [mails.measure(3 if quick else 7, 200 if quick else 1000)],
        "command": lambda: command.measure(3 if quick else 7),
    }


def main() -> None:
    """Measure what was named, or everything."""
    known = parts(quick=False)
    asked = argparse.ArgumentParser(prog="python -m bench", description="Speed and size, as ratios in one run.")
    asked.add_argument("--quick", action="store_true", help="a minute or less, for every change")
    asked.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(known)}")
    options = asked.parse_args()
    if unknown := sorted(set(options.names) - set(known)):
        asked.error(f"nothing is called {', '.join(unknown)}; there is {', '.join(known)}")
    print(machine())
    figures: list[Figure] = []
    for name, measure in parts(options.quick).items():
        if not options.names or name in options.names:
            figures.extend(measure())
    print(table(figures))


if __name__ == "__main__":
    main()
