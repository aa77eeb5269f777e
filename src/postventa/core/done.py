"""What a run has done at its steps, so that a run which comes to a step again does nothing twice.

Inside one version no run comes to a step again but in a new round. One that was moved to a version with its steps in
another order may: then a message, award or event that it has behind it is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from postventa.core.journey import AnyStep, Ask, Award, Emit, Journey, Repeat, Send
from postventa.core.state import Run

DOES = (Send, Ask, Award, Emit)
"""Steps whose effect must not be repeated. The others wait, choose, or set what may be set again."""
DONE = "/done"
"""Behind a step's id: the mark of a step whose effect the run has behind it."""


def left(run: Run, step: AnyStep) -> Mapping[str, datetime]:
    """The run's marks once it goes on from `step`."""
    return {**run.marks, step.id + DONE: run.at} if isinstance(step, DOES) else run.marks


def is_done(run: Run, step: AnyStep) -> bool:
    """Whether the run has this step's effect behind it."""
    return bool(run.marks) and isinstance(step, DOES) and step.id + DONE in run.marks


def new_round(run: Run, journey: Journey, repeat: Repeat) -> Mapping[str, datetime]:
    """The run's marks when a round of `repeat` begins: what is inside may be done again."""
    if not any(name.endswith(DONE) for name in run.marks):
        return run.marks
    inside = {step.id + DONE for step in journey.steps if repeat.index in step.repeats}
    return {name: at for name, at in run.marks.items() if name not in inside}
