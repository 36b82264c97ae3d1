"""`deidrelease audit`."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deidrelease.signing.strict_json import LARGEST_INTEGER

if TYPE_CHECKING:
    from deidrelease.auditing.result import AuditResult
    from deidrelease.engine import Engine
    from deidrelease.notes import Corpus
    from deidrelease.results import Verdict

BLOCKED = 4
_SEED = click.IntRange(0, LARGEST_INTEGER)
_PATH = click.Path(path_type=Path)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("synthetic", type=_PATH)
@click.option("--private", "train", required=True, metavar="TRAIN", type=_PATH, help="The notes the generator saw.")
@click.option("--holdout", type=_PATH, help="Notes of other patients of the same source, which nothing saw.")
@click.option("--out", required=True, metavar="DIR", type=_PATH, help="Folder to write; must be new.")
@click.option("--labels", metavar="MAP", help="What the private labels mean: a shipped map's name, or a path.")
@click.option("--language", type=click.Choice(["es", "sv", "en"]), help="Of the notes; decides the patterns.")
@click.option("--tagger", metavar="FOLDER", type=_FOLDER, help="A trained tagger as detector, such as RUN/annotator.")
@click.option("--run", "run_dir", metavar="DIR", type=_FOLDER, help="The run's folder, for the audits canary and dp.")
@click.option("--policy", metavar="NAME|FILE", help="Judge by it too; exit code 4 where it blocks.")
@click.option("--only", metavar="A,B", help="Run these audits; all by default.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes; several audits run side by side.",
)
@click.option("--seed", type=_SEED, default=0, show_default=True, help="Of bootstraps and samples.")
@click.option("--key", metavar="FILE", type=_FILE, help="The site's key, made if missing; DIR/site.key by default.")
@click.option("--from", "private_format", default="auto", show_default=True, help="Format of TRAIN and HOLDOUT.")
@click.option("--patients", default="recorded", show_default=True, help="recorded, note, field:…, file:… or table:…")
@click.option("--synthetic-from", default="auto", show_default=True, help="Format of SYNTHETIC.")
@click.option("--synthetic-patients", default="note", show_default=True, help="As --patients, for SYNTHETIC.")
@click.pass_context
def audit(context: click.Context, /, **given: Any) -> None:
    r"""Measure what of the private notes TRAIN is in the notes SYNTHETIC.

    Text clinicians copy and names many people share turn up in any corpus, so every match is held against HOLDOUT:
    notes of other patients of the same source that no model, prompt or threshold has seen. Without it, or with too
    few patients in it, audits say inconclusive and how many it takes; nothing passes for lack of data.

    Writes DIR/result.json, aggregates that may leave the site; DIR/findings.private.jsonl, the evidence with values and
    note ids, which never may; and DIR/site.key, under which private ids and values are hashed. Give the same --key for
    results that are to be compared.

    \b
    Examples:
      deidrelease audit synthetic.jsonl --private train.jsonl --holdout holdout.jsonl \
        --labels meddocan --language es --out audit
      deidrelease audit release/ --private notes/train --holdout notes/dev --from brat --patients note \
        --labels mine.yaml --only verbatim,linkage --out audit-ci --policy bounds.yaml
      deidrelease audit synthetic.jsonl --private train.jsonl --holdout holdout.jsonl --out audit --policy research

    SYNTHETIC needs no annotation and no patients, and need not come from deidrelease. `deidrelease policy list` names
    the policies there are; with waivers, or in another form, `deidrelease gate DIR` judges the same result again.

    Exit codes: 0 measured, which is no permission to share; 3 something in the input that you can mend; 4 blocked by
    the policy, or an audit crashed.
    """
    _one_thread_a_process()
    _collect_seldom(context)
    from deidrelease.auditing.choosing import chosen_audits
    from deidrelease.auditing.running import audit as run_audits
    from deidrelease.cli.audit_display import show_files, show_result
    from deidrelease.cli.display import shown_progress

    judge = _judge(given["policy"]) if given["policy"] else None
    audits = chosen_audits([name.strip() for name in given["only"].split(",")] if given["only"] else None)
    with _prepared(given) as (corpora, publish):
        with shown_progress():
            result = run_audits(corpora, audits, _engine(given["engine"], given["workers"]))
        verdict = judge(result) if judge else None
        publish(result, verdict)
    show_result(result)
    if verdict:
        from deidrelease.cli.gate_display import show_verdict

        show_verdict(verdict)
    show_files(given["out"])
    # An audit that crashed has verified nothing: without a policy too, whoever asks by the exit code must hear of it.
    if any(report.status == "failed" for report in result.audits) or (verdict and not verdict.passed):
        context.exit(BLOCKED)


def _one_thread_a_process() -> None:
    """Numpy's threads, which wait for each other by spinning, burn more time in an audit than they save.

    `--workers` is what uses more cores. Decided before numpy is loaded, or not at all; processes inherit it.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _collect_seldom(context: click.Context) -> None:
    """Notes, values and findings stay to the end and hold no cycles."""
    from deidrelease.memory import collect_seldom

    context.call_on_close(partial(gc.set_threshold, *gc.get_threshold()))
    collect_seldom()


def _judge(policy: str) -> "Callable[[AuditResult], Verdict]":
    from deidrelease.policy import decide, load_policy

    return partial(decide, load_policy(policy))


@contextmanager
def _prepared(given: dict[str, Any]) -> Iterator[Any]:
    """Opens everything, makes sure of the target, and yields the corpora and what writes the result."""
    from deidrelease.artifacts import atomic_writer
    from deidrelease.auditing.records import records_in
    from deidrelease.auditing.writing import write_result
    from deidrelease.contracts import Corpora
    from deidrelease.corpora.staging import refuse_target, staged, writing_to
    from deidrelease.keys import load_or_make_key
    from deidrelease.labels import load_label_map

    out: Path = given["out"]
    for source in filter(None, (given["synthetic"], given["train"], given["holdout"])):
        refuse_target(source, out)
    private = given["private_format"], given["patients"]
    synthetic = _open(given["synthetic"], given["synthetic_from"], given["synthetic_patients"])
    train = _open(given["train"], *private)
    holdout = _open(given["holdout"], *private) if given["holdout"] else None
    label_map = load_label_map(given["labels"]) if given["labels"] else None
    with staged(out) as stage:
        stage.path.mkdir(mode=0o700)
        key_file: Path = given["key"] or stage.path / "site.key"
        with writing_to(key_file):
            key = load_or_make_key(key_file)

        def publish(result: "AuditResult", verdict: "Verdict | None") -> None:
            write_result(result, stage.path, key)
            if verdict:
                from deidrelease.policy import verdict_bytes

                with atomic_writer(stage.path / "verdict.json") as stream:
                    stream.write(verdict_bytes(verdict))

        records = records_in(given["run_dir"]) if given["run_dir"] else {}
        told = given["language"], given["tagger"], key, given["seed"], records
        yield Corpora(synthetic, train, holdout, label_map, *told), publish


def _open(path: Path, name: str, patients: str) -> "Corpus":
    from deidrelease.formats import PatientSource, ReadOptions, open_corpus

    return open_corpus(path, name, ReadOptions(PatientSource.parse(patients)))


def _engine(name: str, workers: int) -> "Engine":
    from deidrelease.engine import LocalEngine
    from deidrelease.ray_engine import RayEngine

    return RayEngine(workers) if name == "ray" else LocalEngine(workers)
