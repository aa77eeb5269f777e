"""How many customers may be claimed before a hand is free for them: as many as were sent a mail within the last second.

So a quick mail server is never waited for by hands that have nothing to do, a slow one holds hardly more than the hands
can take, and a channel that does not work holds nothing ahead. A pause, a withdrawal or a lease that ends is looked at
when the mail's turn comes, and again at its intent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MOST = 56
"""Together with the hands far fewer than a slow server could leave waiting past their leases."""
SPAN = 1.0
"""Real seconds."""


@dataclass(slots=True)
class Ahead:
    """Moments are the event loop's."""

    most: int = MOST
    _sent: deque[float] = field(default_factory=deque)

    def sent(self, at: float) -> None:
        """A mail was handed over."""
        self._sent.append(at)
        if len(self._sent) > self.most:
            self._sent.popleft()

    def allowed(self, at: float) -> int:
        """How many may be claimed ahead now."""
        while self._sent and self._sent[0] <= at - SPAN:
            self._sent.popleft()
        return len(self._sent)
