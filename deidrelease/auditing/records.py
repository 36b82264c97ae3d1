"""What a run noted down of itself, for the audits that hold it against something."""

from pathlib import Path

LEDGER = "ledger.private.json"
_PLACES = {"adapt": "adapt", "annotator": "annotator", "ledger": f"audit/{LEDGER}"}


def records_in(run_dir: Path) -> dict[str, Path]:
    """The records of a finished run, by name, as far as there are any."""
    places = {name: run_dir / place for name, place in _PLACES.items()}
    return {name: path for name, path in places.items() if path.exists()}
