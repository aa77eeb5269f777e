"""`python -m bench [--quick] [NAME …]`: measures, prints the machine and a table of figures beside what was asked for.

The exit code is 0 whatever the figures say: a bench informs, tests judge.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

from bench import backtest, command, core, due, ingest, kafka, mails
from bench.figure import Figure, machine, table


def parts(quick: bool) -> dict[str, Callable[[], Iterable[Figure]]]:
    """What can be measured, by name; quick is a length for every change, the figures of a busy machine waver more."""
    return {
        "ingest": lambda: ingest.measure(2 if quick else 5),
        "advance": lambda: core.measure(5 if quick else 11, 150 if quick else 500),
        "backtest": lambda: backtest.measure(3 if quick else 7, 400 if quick else 1500),
        "due": lambda: due.measure(30 if quick else 200, 20_000 if quick else 100_000),
        "mails": lambda: [mails.measure(3 if quick else 7, 200 if quick else 1000)],
        "command": lambda: command.measure(3 if quick else 7),
        "kafka": lambda: _kafka(quick=quick),
    }


def _kafka(*, quick: bool) -> Iterable[Figure]:
    """Nothing, and a line that says so, where no broker or database can be started."""
    if told := kafka.missing():
        print(told)
        return []
    return kafka.measure(1 if quick else 3, 2000 if quick else 5000, 5 if quick else 20)


def main() -> None:
    """Measure what was named, or everything."""
    known = parts(quick=False)
    asked = argparse.ArgumentParser(prog="python -m bench", description="Speed and size, as ratios in one run.")
    asked.add_argument("--quick", action="store_true", help="a short one for every change; without Kafka unless named")
    asked.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(known)}")
    options = asked.parse_args()
    if unknown := sorted(set(options.names) - set(known)):
        asked.error(f"nothing is called {', '.join(unknown)}; there is {', '.join(known)}")
    print(machine())
    figures: list[Figure] = []
    for name, measure in parts(options.quick).items():
        if name in options.names or not (options.names or (options.quick and name == "kafka")):
            figures.extend(measure())
    print(table(figures))


if __name__ == "__main__":
    main()
