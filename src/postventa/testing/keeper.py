"""Runs one program and sees that it does not outlive its owner; a script of its own, started by `part.Kept`.

Arguments: the signal that asks the program to end, then the program and its arguments. It prints the program's process
id, then passes on every signal number that arrives as a line on stdin. When stdin ends, the owner is gone, even by
SIGKILL: the program is asked to end, and killed when it does not. The exit code is the program's.

As the program's parent, the keeper is the only one who may signal it: its id cannot belong to somebody else meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE = 5.0
"""Seconds between the request to end and SIGKILL."""


def main() -> None:
    """Start the program, then do as the owner says until one of the two is gone."""
    farewell, command = int(sys.argv[1]), sys.argv[2:]
    # Only the owner ends this process, by closing the pipe. A handler, because the program would inherit SIG_IGN.
    signal.signal(signal.SIGTERM, lambda *_: None)
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True)  # noqa: S603
    print(program.pid, flush=True)  # noqa: T201
    threading.Thread(target=_leave_with, args=(program,), daemon=True).start()
    for line in sys.stdin:
        program.send_signal(int(line))
    program.send_signal(farewell)
    time.sleep(PATIENCE)
    program.kill()
    time.sleep(PATIENCE)


def _leave_with(program: subprocess.Popen[bytes]) -> None:
    """End this process when the program ends, with its code."""
    code = program.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
