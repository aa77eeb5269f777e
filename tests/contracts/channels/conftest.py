"""Gives the channel contract its other sides: a real SMTP server, a real HTTP server, the local mailbox."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
