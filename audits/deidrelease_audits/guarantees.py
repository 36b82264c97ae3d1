"""The guarantee that a training of the run left behind, for the audits that hold it against something."""

from pathlib import Path

from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.guarantee import parse_guarantee, require_recomputed
from deidrelease.results import DpGuarantee
from deidrelease.signing.strict_json import StrictJsonError, parse_strict

PRIVACY = "privacy.json"


def guarantee_in(folder: Path | None) -> DpGuarantee | None:
    """What the training in `folder` promises; None where there was none, or it promised nothing.

    Raises:
        PrivacyError: The file is damaged, or states another epsilon than its events give: such a file is no promise,
            and no lack of one either.
    """
    path = None if folder is None else folder / PRIVACY
    if path is None or not path.exists():
        return None
    try:
        document = parse_strict(path.read_bytes(), PRIVACY)
    except (OSError, StrictJsonError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("guarantee"), dict):
        raise PrivacyError(
            "A guarantee cannot be used.",
            [Problem(PRIVACY, "is not as the training wrote it", "run the training again")],
        )
    stated = parse_guarantee(document["guarantee"], PRIVACY)
    require_recomputed(stated, PRIVACY)
    return stated
