"""For people who test their journeys: `compiled` makes a catalog of YAML, `Timeline` walks through it."""

from postventa.testing.catalog import compiled
from postventa.testing.timeline import Sent, Timeline, moment

__all__ = ["Sent", "Timeline", "compiled", "moment"]
