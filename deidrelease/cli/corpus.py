"""`deidrelease corpus`: what a corpus is like, what is wrong with it, and the same in another format."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from deidrelease.corpora.converting import Source

_Command = TypeVar("_Command", bound=Callable[..., Any])
_path = click.Path(path_type=Path)


class _ListsFormats(click.Command):
    """A command whose help ends with the formats that are there, those that packages add included."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the table of formats."""
        from deidrelease.formats import formats

        with formatter.section("Formats"):
            formatter.write_dl([(name, f"{form.about} ({_ways(form)})") for name, form in formats().items()])


def _ways(form: Any) -> str:
    return " and ".join(way for way, there in (("read", form.read), ("written", form.write)) if there)


def _source_options(command: _Command) -> _Command:
    """The options that say how SRC is to be read."""
    options = (
        click.argument("source", metavar="SRC", type=_path),
        click.option("--from", "from_format", metavar="FORMAT", default="auto", help="Of SRC; recognised by default."),
        click.option(
            "--patients",
            metavar="WHERE",
            default="recorded",
            help="Where patient ids stand: recorded (in the corpus; the default), note (every note is one patient), "
            "field:NAME, file:PATTERN (a regular expression on file names), table:CSV (note_id, patient_id).",
        ),
        click.option(
            "--overlaps",
            type=click.Choice(["error", "keep-longest", "keep-both"]),
            help="What happens to spans that share characters; error by default.",
        ),
        click.option(
            "--merge",
            is_flag=True,
            help="Take a span of several parts as one, and annotators' remarks into meta, instead of refusing them.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _source(source: Path, from_format: str, patients: str, overlaps: Any, merge: bool) -> "Source":
    from deidrelease.corpora.converting import Source
    from deidrelease.formats import PatientSource, ReadOptions

    options = ReadOptions(PatientSource.parse(patients), overlaps or "error", merge)
    return Source(source, from_format, options)


@click.group()
def corpus() -> None:
    """Describe, check and mend annotated corpora, and convert them between formats. Everything stays on this machine.

    Nothing is ever changed in place or overwritten, and no output holds note text, PII values or patient ids, but for
    the corpora that are written.
    """


@corpus.command(cls=_ListsFormats)
@_source_options
@click.argument("target", metavar="DST", type=_path)
@click.option("--to", metavar="FORMAT", help="Of DST; by its ending where that tells.")
@click.option("--lossy", is_flag=True, help="Leave behind what the format cannot carry, and say how much.")
@click.option("--verify/--no-verify", default=True, help="Read DST back and compare before it takes its name.")
def convert(target: Path, to: str | None, lossy: bool, verify: bool, **reading: Any) -> None:
    """Write the corpus SRC in another format, as DST.

    DST appears whole, read back and proved equal, or not at all. Any defect of SRC stops the conversion: see
    `deidrelease corpus check`. What the format of DST cannot carry (patients, meta, overlapping spans) stops it too,
    with counts, unless --lossy says to leave it behind.

    \b
    Examples:
      deidrelease corpus convert --patients note brat-folder notes.jsonl
      deidrelease corpus convert --patients 'file:([0-9]+)-' i2b2-folder notes.jsonl
    """  # noqa: D301  (click wants the character, not the two that write it)
    from deidrelease.cli.corpus_display import show_converted
    from deidrelease.cli.display import shown_progress
    from deidrelease.corpora.converting import convert as convert_corpus

    with shown_progress():
        converted = convert_corpus(_source(**reading), target, to, lossy=lossy, verify=verify)
    show_converted(converted, target)


@corpus.command(cls=_ListsFormats)
@_source_options
@click.option("--json", "json_file", metavar="FILE", type=_path, help="Also write the numbers as JSON.")
@click.option("--plot", metavar="FILE", type=_path, help="Also draw types and lengths, as .png or .svg.")
def stats(json_file: Path | None, plot: Path | None, **reading: Any) -> None:
    """Describe the corpus SRC: notes, patients, lengths, types of PII, values that patients share.

    One pass; values are counted as hashes and never kept. Lengths are code points; a token is a run of letters, digits
    and underscores, or one other visible character. Values that differ only in case and white space count as one.
    """
    from deidrelease.cli.corpus_display import show_description
    from deidrelease.cli.display import shown_progress
    from deidrelease.corpora.describing import describe
    from deidrelease.corpora.staging import writing_to
    from deidrelease.report.corpus import draw_corpus, refuse_ending

    _refuse_existing(json_file, plot)
    if plot:
        refuse_ending(plot)
    source = _source(**reading)
    with shown_progress():
        record = describe(source.open()).as_record(str(source.path))
    show_description(record)
    if json_file:
        _write_json(json_file, record)
    if plot:
        with writing_to(plot):
            draw_corpus(record, plot)


@corpus.command(cls=_ListsFormats)
@_source_options
@click.option("--all", "every", is_flag=True, help="Print every place, not the first 20 of each kind.")
@click.option("--problems", metavar="FILE", type=_path, help="Also write every place as JSON lines, mode 0600.")
@click.option("--json", "json_file", metavar="FILE", type=_path, help="Also write counts and first places as JSON.")
@click.option("--fix", metavar="DST", type=_path, help="Write a mended copy to DST, and DST.log.jsonl beside it.")
@click.option("--to", metavar="FORMAT", help="Of DST; by its ending where that tells.")
def check(
    every: bool, problems: Path | None, json_file: Path | None, fix: Path | None, to: str | None, **reading: Any
) -> None:
    """Find everything that is wrong with the corpus SRC, in one pass, with a count for each kind.

    Exit code 0: nothing is wrong; 3: something is.

    --fix writes a mended copy and a log of all that was done. Offsets move only where quoted texts prove where they
    belong; encodings, marks, control characters, repeated spans, overlaps (the longest stays, unless --overlaps says
    otherwise) and repeated ids are mended; a note that cannot be is left out whole. Exit code 0: every note was carried
    over; 3: some were left out.
    """
    from deidrelease.cli.corpus_display import print_problem, show_findings
    from deidrelease.cli.display import shown_progress
    from deidrelease.corpora.inspecting import inspect
    from deidrelease.corpora.private_lines import private_problems
    from deidrelease.corpora.repairing import refuse_copy
    from deidrelease.errors import CorpusError, Problem

    _refuse_existing(json_file, problems)
    source = _source(**reading)
    if fix:
        refuse_copy(source, fix, to)
    listeners: list[Callable[[Problem], None]] = [print_problem] if every else []
    with shown_progress(), ExitStack() as stack:
        if problems:
            listeners.append(stack.enter_context(private_problems(problems)))
        findings = inspect(source.open, listeners)
    show_findings(findings, places=not every)
    record = findings.as_record(str(source.path))
    if fix:
        record["mended"] = _fix(_source(**{**reading, "overlaps": reading["overlaps"] or "keep-longest"}), fix, to)
    if json_file:
        _write_json(json_file, record)
    left_out = sum(record["mended"]["left_out"].values()) if fix else 0
    if left_out:
        raise CorpusError(f"{left_out} note(s) could not be mended and are not in {fix}.")
    if findings.problems and not fix:
        raise CorpusError(f"{source.path}: {findings.problems} problem(s) of {len(findings.defects)} kind(s).")


def _fix(source: "Source", target: Path, to: str | None) -> dict[str, Any]:
    from deidrelease.cli.corpus_display import show_repaired
    from deidrelease.cli.display import shown_progress
    from deidrelease.corpora.repairing import repair

    with shown_progress():
        repaired = repair(source, target, to)
    show_repaired(repaired, target)
    return repaired.as_record()


def _refuse_existing(*files: Path | None) -> None:
    from deidrelease.corpora.staging import refuse_existing

    for file in filter(None, files):
        refuse_existing(file)


def _write_json(path: Path, record: Mapping[str, Any]) -> None:
    import json

    from deidrelease.artifacts import write_text
    from deidrelease.corpora.staging import writing_to

    with writing_to(path):
        write_text(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
