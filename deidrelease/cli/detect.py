"""`deidrelease detect`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deidrelease.detection.corpus import Detection
    from deidrelease.detection.detector import Detector

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File or folder to write; must be new.")
@click.option("--language", required=True, type=click.Choice(["es", "sv", "en"]), help="Decides the patterns.")
@click.option("--tagger", metavar="DIR", type=_FOLDER, help="A trained tagger too, such as RUN/annotator.")
@click.option("--no-patterns", is_flag=True, help="The tagger alone.")
@click.option("--min-score", type=click.FloatRange(0, 1), default=0.35, show_default=True, help="Of a pattern's match.")
@click.option("--map", "maps", multiple=True, metavar="MAP", help="Write HIPAA classes by this label map; repeatable.")
@click.option("--score", is_flag=True, help="Compare with the spans that CORPUS has: recall a type, worst first.")
@click.option("--from", "--format", "source", default="auto", show_default=True, help="Format of CORPUS.")
@click.option("--to", "target", help="Format of OUT; by its ending if not given.")
@click.option("--lossy", is_flag=True, help="Leave behind what the format of OUT cannot carry.")
@click.option("--patients", default="recorded", show_default=True, help="recorded, note, field:…, file:… or table:…")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the tagger; all by default.")
def detect(
    corpus: Path,
    out: Path,
    language: str,
    tagger: Path | None,
    no_patterns: bool,
    min_score: float,
    maps: tuple[str, ...],
    score: bool,
    source: str,
    target: str | None,
    lossy: bool,
    patients: str,
    device: str,
    threads: int | None,
) -> None:
    r"""Find PII in CORPUS with Presidio's patterns, and with a tagger if one is named.

    Writes the notes to OUT with what was found in place of the spans they had. Patterns know numbers, addresses of
    e-mail and web, and dates; they know no names, places or hospitals: without a tagger those stay in plain sight. What
    several detectors find in one place becomes one span; no character that any of them found is left out.

    \b
    Examples:
      deidrelease detect notes.jsonl --out found.jsonl --language sv
      deidrelease detect notes/ --out found.jsonl --language es --tagger runs/mine/annotator --score
      deidrelease detect notes.jsonl --out found.jsonl --language es --tagger runs/mine/annotator \
        --map presidio --map meddocan

    Needs the extra presidio (pip install 'deidrelease[presidio]'), but no language model. Nothing touches the network.
    """
    from deidrelease.cli.display import shown_progress
    from deidrelease.corpora.staging import refuse_target
    from deidrelease.corpora.writing import format_of_target, write_corpus
    from deidrelease.detection.detector import load_detector
    from deidrelease.formats.reading import PatientSource, ReadOptions
    from deidrelease.formats.table import open_corpus
    from deidrelease.settings import ComputeSettings

    refuse_target(corpus, out)
    form = format_of_target(out, target)
    notes = open_corpus(corpus, source, ReadOptions(PatientSource.parse(patients)))
    compute = ComputeSettings.model_validate({"device": device, "threads": threads})
    detector = load_detector(language, patterns=not no_patterns, min_score=min_score, tagger=tagger, compute=compute)
    detection = _detection(detector, maps, score)
    # Every note is checked before the first is searched: a defect in the last one must not cost hours.
    total = sum(1 for _ in notes)
    with shown_progress():
        write_corpus(detection.notes(notes, total), out, form, lossy=lossy)
    _show(detection, total, out)


def _detection(detector: "Detector", maps: tuple[str, ...], score: bool) -> "Detection":
    from deidrelease.detection.corpus import Detection, hipaa_names
    from deidrelease.labels import load_label_map

    names = hipaa_names(detector.labels, [load_label_map(name) for name in maps]) if maps else {}
    return Detection(detector, names, score)


def _show(detection: "Detection", total: int, out: Path) -> None:
    from deidrelease.detection.recall import markdown

    click.echo(f"{total:,} notes, {detection.characters:,} characters, {sum(detection.spans.values()):,} spans: {out}")
    for label, count in sorted(detection.spans.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"  {label:32}{count:>10,}")
    if detection.score:
        click.echo("\n" + markdown(detection.compared))
    click.echo("Private: the text is as it was, and what no detector knows stands in it untagged.")
