"""A mail server that outlives the engine: it writes down every mail it takes, and is slow where it hurts.

`sink.py PORT_FILE LOG_FILE PACE_FILE`. PACE_FILE holds the longest pause in seconds, read anew for every command; each
taken mail is one line `message-id recipient` in LOG_FILE, on the disk before the client hears of it.
"""

from __future__ import annotations

import asyncio
import email
import random
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

PORT_FILE, LOG_FILE, PACE_FILE = map(Path, sys.argv[1:4])


async def dawdle() -> None:
    """A pause of random length, so that kills fall on either side of it."""
    await asyncio.sleep(random.random() * float(PACE_FILE.read_text()))


class Sink:
    """Slow before it takes a recipient (the engine has claimed) and after it took a mail (the intent is committed)."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        await dawdle()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 go on"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        await dawdle()
        message = email.message_from_bytes(envelope.content)
        with LOG_FILE.open("a", encoding="utf-8") as log:
            log.write(f"{message['Message-ID']} {envelope.rcpt_tos[0]}\n")
        await dawdle()
        return "250 2.0.0 taken"


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink(), hostname="sink"), "127.0.0.1", 0)
    PORT_FILE.write_text(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


asyncio.run(main())
