"""Worker processes that end with the process that began them, however that one ends.

An executor's workers wait for work on a pipe whose other end they hold themselves: where their parent is killed they
would go on with what they have, then wait for ever, with their memory, their threads and whatever files they locked.
"""

import os
import threading
from multiprocessing import connection, parent_process

_KILLED = 1


def end_with_parent() -> None:
    """To be called once in a process of `multiprocessing`: ends it, at once, as soon as its parent is gone.

    A stage that is cut off so is as one that was killed: it has written nothing under a finished name.
    """
    parent = parent_process()
    if parent is None:
        raise RuntimeError("this process was not begun by another one of multiprocessing")
    threading.Thread(target=_watch, args=(parent.sentinel,), name="end-with-parent", daemon=True).start()


def _watch(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(_KILLED)
