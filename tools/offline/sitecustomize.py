"""Let no connection leave the machine. Python imports this when it starts, if the folder is named by PYTHONPATH.

An attempt to reach another machine ends in an OSError, and its address is added to the file that ``OFFLINE_ATTEMPTS``
names, since a program may go on after the error.
"""

import os
import sys
from pathlib import Path
from typing import Any

# what Python tells an audit hook about the network, and the place of the address among what it tells
EVENTS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
PROGRAMS = {"curl", "git", "node", "npm", "wget"}  # they connect without Python's sockets


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise OSError for what would reach another machine."""
    if event in EVENTS:
        target = arguments[EVENTS[event]]
        allowed = is_local(target, event)
    else:
        target = os.fsdecode(arguments[0] or "") if event == "subprocess.Popen" else ""
        allowed = Path(target).stem not in PROGRAMS
    if not allowed:
        with open(os.environ["OFFLINE_ATTEMPTS"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{event} {target}\n")
        raise OSError(f"{target} is not on this machine, and nothing else may be reached here")


def is_local(target: Any, event: str) -> bool:
    """Tell whether an address is of this machine: a loopback address, or the path of a unix socket."""
    if isinstance(target, tuple):
        target = target[0]
    elif not event.startswith("socket.get"):
        return True  # no tuple: a unix socket, or one that is connected already
    host = target.decode() if isinstance(target, bytes) else target
    return not host or host in ("localhost", "::1") or host.startswith("127.")


sys.addaudithook(refuse)
