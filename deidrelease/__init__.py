"""From private clinical notes to a synthetic, annotated corpus whose leaks are measured before it is shared."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("deidrelease")
except PackageNotFoundError:  # a bare checkout on the path, never installed
    __version__ = "0+unknown"
