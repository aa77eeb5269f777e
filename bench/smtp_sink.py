"""A mail server that only notes who got mail when: `python -m bench.smtp_sink LOG`; prints its port.

As little work as a server can do, in a process of its own, so that what is measured is the sender.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path


async def serve(log: Path) -> None:
    """Until it is killed. A line of the log is `time recipient`, written when the mail is accepted."""
    told = log.open("a", buffering=1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        writer.write(b"220 bench\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                while (await reader.readline()) not in {b".\r\n", b""}:
                    pass
                told.write(f"{time.time()} {recipient}\n")
            elif word == b"RCPT":
                recipient = line.decode().partition("<")[2].partition(">")[0]
            writer.write(b"250 ok\r\n" if word != b"QUIT" else b"221 bye\r\n")
            if word == b"QUIT":
                break
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
