"""The memory of this process: the most it had, and how seldom to look for what can be given back."""

import atexit
import gc
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_THRESHOLDS = 500_000, 20, 100
"""Of the garbage collector: new objects before it looks at these, such looks before one at older ones, and at all."""


def collect_seldom() -> None:
    """For a process whose objects stay to the end and hold no cycles: walking them all again and again finds nothing.

    Nor does walking all that the libraries hold when the process ends, which gives its memory back at once.
    """
    gc.set_threshold(*_THRESHOLDS)
    atexit.register(gc.freeze)


def reset_peak() -> None:
    """Begins a new measurement where the system allows it (Linux); elsewhere the peak stays that of the process."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def peak_bytes() -> int:
    """Largest resident set in bytes since `reset_peak`, or since the start where it cannot be reset."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # no /proc: the portable, process-wide figure follows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
