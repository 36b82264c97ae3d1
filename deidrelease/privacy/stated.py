"""The guarantee that a training left behind in its folder."""

from pathlib import Path

from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.guarantee import parse_guarantee, require_recomputed
from deidrelease.results import DpGuarantee
from deidrelease.signing.strict_json import StrictJsonError, parse_strict

PRIVACY = "privacy.json"


def guarantee_in(folder: Path | None) -> DpGuarantee | None:
    """What the training in `folder` promises; None where it was trained without differential privacy.

    Raises:
        PrivacyError: The file is damaged, or states another epsilon than its events give: such a file is no promise,
            and no lack of one either.
        ConfigError: The extra `dp` is not installed.
    """
    if folder is None or not (folder / PRIVACY).exists():
        return None
    stated = parse_guarantee(_guarantee(folder / PRIVACY), PRIVACY)
    require_recomputed(stated, PRIVACY)
    return stated


def _guarantee(path: Path) -> dict[str, object]:
    try:
        document = parse_strict(path.read_bytes(), PRIVACY)
    except (OSError, StrictJsonError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("guarantee"), dict):
        problem = Problem(PRIVACY, "is not as the training wrote it", "run the training again")
        raise PrivacyError("A guarantee cannot be used.", [problem])
    stated: dict[str, object] = document["guarantee"]
    return stated
