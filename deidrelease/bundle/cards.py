"""The dataset card: `metadata/README.md`, YAML and Markdown as the Hugging Face Hub reads them."""

import html
from collections.abc import Iterator, Sequence
from typing import Any

from deidrelease.bundle import datasheet
from deidrelease.bundle.layout import REPORT, RESULT
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.results import Verdict

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST = "1M<n<10M"
_CONTROL = str.maketrans({character: f"\\{character}" for character in r"\`*_{}[]#|!"})


def card_text(release: ReleaseDocument, verdict: Verdict, stages: Sequence[str]) -> str:
    """The card of a release; nothing in it is from the notes but counts."""
    from huggingface_hub import DatasetCard

    card = DatasetCard(
        f"---\n{_data(release, made_by_run=bool(stages)).to_yaml()}\n---\n\n{_markdown(release, verdict, stages)}"
    )
    return str(card)


def _data(release: ReleaseDocument, *, made_by_run: bool) -> Any:
    from huggingface_hub import DatasetCardData

    return DatasetCardData(
        language=[tag.split("-")[0] for tag in release.languages],
        license="other" if release.licence == "proprietary" else release.licence.lower(),
        annotations_creators=["machine-generated" if made_by_run else "other"],
        language_creators=["machine-generated"],
        multilinguality=["monolingual" if len(release.languages) == 1 else "multilingual"],
        size_categories=[next((name for below, name in _SIZES if release.data.notes < below), _LARGEST)],
        task_categories=["token-classification"],
        pretty_name=release.title,
        tags=["synthetic", "clinical", "de-identification", "medical"],
        configs=[{"config_name": "default", "data_files": "data/notes-*.jsonl"}],
    )


def _markdown(release: ReleaseDocument, verdict: Verdict, stages: Sequence[str]) -> str:
    sections = [
        (f"# {_plain(release.title)}", _head(release, verdict)),
        ("## What a pass does not mean", [datasheet.PASSING]),
        ("## Motivation", [datasheet.MOTIVATION, *_quoted(release.description)]),
        ("## Composition", _composition(release)),
        ("## Collection", [*datasheet.collection(bool(stages)), datasheet.PRIVACY, release.privacy.statement]),
        ("## Preprocessing", [datasheet.PREPROCESSING, *_stages(stages)]),
        ("## Uses", [*(f"- {use}" for use in datasheet.USES), "### Not for", datasheet.NOT_FOR, datasheet.BIASES]),
        ("## Limits", [datasheet.LIMITATIONS, datasheet.SOCIAL]),
        ("## Distribution", _distribution(release)),
        ("## Maintenance", [datasheet.MAINTENANCE, f"Contact: {_plain(release.contact)}"]),
    ]
    return "\n\n".join(part for heading, lines in sections for part in (heading, *lines)) + "\n"


def _head(release: ReleaseDocument, verdict: Verdict) -> list[str]:
    draft = ["**DRAFT. Not signed, not released: it verifies nowhere and may not be shared.**"] if release.draft else []
    outcome = {"pass": "passed", "pass-with-waivers": "passed with waivers", "blocked": "was blocked by"}
    return [
        *draft,
        (
            f"Synthetic clinical notes with marked personal data. Release {release.release_id}, number "
            f"{release.sequence} of `{release.dataset}`. It {outcome[verdict.outcome]} the policy `{verdict.policy}` "
            f"{verdict.policy_version}; the numbers are in `{RESULT}` and, to be read, in `{REPORT}`."
        ),
    ]


def _quoted(text: str) -> list[str]:
    """A publisher's own words, so that they can be told from what the tool says."""
    return ["\n".join(f"> {_plain(line)}".rstrip() for line in text.splitlines())]


def _composition(release: ReleaseDocument) -> list[str]:
    data = release.data
    spans = [f"| {_plain(label)} | {count} |" for label, count in data.spans.items()]
    copies = f" The same notes stand there once more as {' and '.join(data.copies)}." if data.copies else ""
    return [
        (
            f"{data.notes:,} notes of {data.characters:,} characters in {len(data.shards)} file(s) of JSON lines under "
            f"`data/`. A line is a note: `note_id`, `patient_id` (of no real patient), `text`, `spans` (`start` and "
            f"`end` in Unicode code points, half-open, and `label`) and `meta`.{copies}"
        ),
        f"Languages: {', '.join(release.languages)}.",
        "\n".join(["| Label | Spans |", "|---|---|", *spans]) if spans else "No spans are marked.",
        "Counts under ten are given as 1-9.",
    ]


def _stages(stages: Sequence[str]) -> Iterator[str]:
    known = [name for name in datasheet.STAGES if name in stages]
    if known:
        yield "\n".join(f"{number}. `{name}`: {datasheet.STAGES[name]}" for number, name in enumerate(known, 1))


def _distribution(release: ReleaseDocument) -> list[str]:
    return [
        f"- Publisher: {_plain(release.publisher)}",
        f"- For: {_plain(release.recipient)}",
        f"- Licence: {release.licence}",
        f"- Made: {release.created}",
        f"- Valid until: {release.valid_until}",
        "- Check it, offline and without running anything of it: `deidrelease verify BUNDLE --trust trust.yaml`",
    ]


def _plain(text: str) -> str:
    """Text that Markdown and HTML show as it stands, on one line."""
    return html.escape(" ".join(text.split()), quote=False).translate(_CONTROL)
