"""Runs the flow and shows it: a line a stage on stderr, the result on stdout. `run` and `demo` share it."""

import json
import sys
from pathlib import Path

import click

from deidrelease.cli.display import shown_progress
from deidrelease.pipeline import Finished
from deidrelease.settings import ReleaseConfig

_TABLE_WIDTH = 124
_BLOCKED = 4


def run_and_show(config: ReleaseConfig, until: str | None = None) -> None:
    """Runs what is left to run, then prints the comparison, the audits and where everything lies.

    Exits with code 4 where an audit crashed, or the audit stage was given a policy and that blocks.
    """
    from deidrelease import release

    _quieten_libraries()
    with shown_progress() as console:
        for finished in release.run(config, until):
            if console.is_terminal:
                console.print(_line(finished), highlight=False)
    show_results(config.run_dir)
    if until in (None, "audit"):
        _exit_if_blocked(config.run_dir / "audit")


def show_results(run_dir: Path) -> None:
    """Prints the comparison and what the audits found, as far as they are there, and the paths."""
    from rich.console import Console

    from deidrelease.auditing.result import read_result
    from deidrelease.cli.audit_display import show_result
    from deidrelease.report.comparison import comparison_table

    result = run_dir / "evaluate" / "result.json"
    if result.exists():
        # Numbers must not be cut off where the terminal is narrow, or where there is none.
        console = Console(width=max(Console().width, _TABLE_WIDTH))
        console.print(comparison_table(json.loads(result.read_text(encoding="utf-8"))))
    audited = run_dir / "audit" / "result.json"
    if audited.exists():
        show_result(read_result(audited))
    for name, what in (
        ("annotate/notes.jsonl", "synthetic notes, tagged"),
        ("annotate/brat", "the same in BRAT standoff"),
        ("train/model", "tagger trained on them"),
        ("evaluate/result.json", "scores with intervals"),
        ("evaluate/comparison.png", "picture of the scores"),
        ("audit/result.json", "what the audits found"),
    ):
        if (run_dir / name).exists():
            click.echo(f"{what + ':':26} {run_dir / name}")
    click.echo(_standing(run_dir))


def _standing(run_dir: Path) -> str:
    if not (run_dir / "audit" / "result.json").exists():
        return "Private. No audit has judged these files yet: nothing here may be shared."
    if not (run_dir / "audit" / "verdict.json").exists():
        return "Private. Audited, but judged by no policy: nothing here may be shared."
    return "Private. The policy was about the synthetic notes alone: nothing else here may be shared."


def _exit_if_blocked(audited: Path) -> None:
    from deidrelease.auditing.result import read_result
    from deidrelease.cli.audit_display import show_verdict
    from deidrelease.policy import read_verdict

    if not (audited / "result.json").exists():
        return
    blocked = any(report.status == "failed" for report in read_result(audited / "result.json").audits)
    if (audited / "verdict.json").exists():
        verdict = read_verdict(audited / "verdict.json")
        show_verdict(verdict)
        blocked |= verdict.outcome != "pass"
    if blocked:
        sys.exit(_BLOCKED)


def _line(finished: Finished) -> str:
    receipt = finished.receipt
    if not finished.ran:
        return f"[dim]{receipt.stage:10} was done[/dim]"
    resumed = f", attempt {receipt.attempts}" if receipt.attempts > 1 else ""
    return f"{receipt.stage:10} {receipt.seconds:8.1f} s  {receipt.peak_memory_bytes / 2**20:7.0f} MiB at most{resumed}"


def _quieten_libraries() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
