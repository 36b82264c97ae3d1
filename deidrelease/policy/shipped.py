"""The policies that come with deidrelease: in the package once installed, beside it in a checkout."""

from pathlib import Path

_INSTALLED = Path(__file__).parents[1] / "policies"
_CHECKOUT = Path(__file__).parents[2] / "policies"


def shipped() -> tuple[str, ...]:
    """Their names, sorted."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def shipped_path(name: str) -> Path | None:
    """The file of the shipped policy `name`; None where there is none."""
    return _folder() / f"{name}.yaml" if name in shipped() else None


def _folder() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
