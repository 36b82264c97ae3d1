"""Runs the flow and shows it: a line a stage on stderr, the result on stdout. `run` and `demo` share it."""

import json
from pathlib import Path

import click

from deidrelease.cli.display import shown_progress
from deidrelease.settings import ReleaseConfig
from deidrelease.work import Finished

_TABLE_WIDTH = 124
BLOCKED = 4


def run_and_show(config: ReleaseConfig, until: str | None = None) -> bool:
    """Runs what is left to run, then prints the comparison, the audits, the verdict and where everything lies.

    Returns:
        False where an audit crashed or the gate blocks.
    """
    from deidrelease import release
    from deidrelease.models.loading import quieten

    quieten()
    with shown_progress() as console:
        for finished in release.run(config, until):
            if console.is_terminal:
                console.print(_line(finished), highlight=False)
    # A verdict that this run did not reach is of an earlier one, and must not speak for what lies there now.
    gated = config.audit.enabled and until in (None, "gate")
    show_results(config.run_dir, gated)
    if not gated and not (config.audit.enabled and until == "audit"):
        return True
    return show_verdict_of(config.run_dir, gated)


def show_results(run_dir: Path, gated: bool) -> None:
    """Prints the comparison and what the audits found, as far as they are there, the paths, and what may be shared.

    Args:
        run_dir: The run folder.
        gated: Whether the gate has judged what lies there now.
    """
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
        ("gate/verdict.json", "what the policy says"),
    ):
        if (run_dir / name).exists() and (gated or name != "gate/verdict.json"):
            click.echo(f"{what + ':':26} {run_dir / name}")
    click.echo(_standing(run_dir, gated))


def _standing(run_dir: Path, gated: bool) -> str:
    from deidrelease.policy import read_verdict

    if not (run_dir / "audit" / "result.json").exists():
        return "Private. No audit has judged these files yet: nothing here may be shared."
    if not gated:
        return "Private. Judged by no policy: nothing here may be shared."
    verdict = read_verdict(run_dir / "gate" / "verdict.json")
    if not verdict.passed or not verdict.signable:
        return "Private. Nothing here may be shared."
    return "Private. What the policy passes is the synthetic notes alone; they leave in a signed bundle, or not at all."


def show_verdict_of(run_dir: Path, gated: bool) -> bool:
    """Prints the verdict, unless it is of an earlier run; False where it blocks, or an audit crashed."""
    from deidrelease.auditing.result import read_result
    from deidrelease.cli.gate_display import show_verdict
    from deidrelease.policy import read_verdict

    blocked = any(report.status == "failed" for report in read_result(run_dir / "audit" / "result.json").audits)
    if gated:
        verdict = read_verdict(run_dir / "gate" / "verdict.json")
        show_verdict(verdict)
        blocked |= not verdict.passed
    return not blocked


def _line(finished: Finished) -> str:
    receipt = finished.receipt
    if not finished.ran:
        return f"[dim]{receipt.stage:10} was done[/dim]"
    resumed = f", attempt {receipt.attempts}" if receipt.attempts > 1 else ""
    return f"{receipt.stage:10} {receipt.seconds:8.1f} s  {receipt.peak_memory_bytes / 2**20:7.0f} MiB at most{resumed}"
