"""`deidrelease gate`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from deidrelease.auditing.result import AuditResult
    from deidrelease.results import Verdict

BLOCKED = 4
_FORMATS = ("sarif", "junit", "gitlab", "markdown", "json")
_FILE = click.Path(path_type=Path, dir_okay=False)


def _wanted(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, Path]]:
    """What to write and where, of `FMT=PATH`."""
    wanted = []
    for value in values:
        kind, equals, path = value.partition("=")
        if kind not in _FORMATS or not equals or not path.strip():
            known = ", ".join(_FORMATS)
            raise click.BadParameter(f"'{value}' is not FMT=PATH with FMT one of {known}", context, option)
        wanted.append((kind, Path(path)))
    return wanted


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--policy", required=True, metavar="NAME|FILE", help="A shipped policy's name, or a YAML file.")
@click.option("--waivers", metavar="FILE", type=_FILE, help="Signed waivers; need --trust.")
@click.option("--trust", metavar="FILE", type=_FILE, help="Trust policy whose keys may sign waivers.")
@click.option(
    "--fail-on", type=click.Choice(["block", "warn"]), default="block", show_default=True,
    help="warn: exit code 4 for a warning too. It hides nothing and changes no verdict.",
)  # fmt: skip
@click.option(
    "--format", "formats", multiple=True, metavar="FMT=PATH", callback=_wanted,
    help="Also write this; may be given many times.",
)  # fmt: skip
@click.option("--out", metavar="FILE", type=_FILE, help="Write the verdict as JSON: short for --format json=FILE.")
@click.pass_context
def gate(context: click.Context, /, **given: Any) -> None:
    r"""Hold the audits' RESULT against a policy, and say by the exit code whether it passes.

    RESULT is the result.json of an audit, or a folder that holds one: what `deidrelease audit` wrote, or a run folder.
    Only that file is read, no private note; so a gate may run where the private corpus must not be. But a result is
    only as good as whoever made it: gate one that your own pipeline has just measured.

    A metric that is missing, failed, inconclusive or of a part of the notes blocks as surely as one that is too high,
    and so does a waiver that has expired or that no trusted key signed. For each demand that blocks one line tells
    what, how much, against which limit, why there is such a limit, and what can be done.

    \b
    Formats, for --format FMT=PATH:
      sarif     SARIF 2.1.0, for code scanning; waived demands are suppressions
      junit     JUnit XML, one case a demand; what could not be judged is an error, what is waived is skipped
      gitlab    GitLab Code Quality
      markdown  for the summary of a GitHub step
      json      the verdict itself
    All are written before the command exits, also when it blocks.

    \b
    Examples:
      deidrelease gate audit/result.json --policy research
      deidrelease gate runs/mine --policy our-policy.yaml --format sarif=gate.sarif --format junit=gate.xml
      deidrelease gate audit --policy research --waivers waivers.json --trust trust.yaml --fail-on warn

    Exit codes: 0 passed; 4 blocked; 3 something in a file that you can mend; 2 usage; 1 a bug, and so no verdict.
    """
    from deidrelease.auditing.result import read_result
    from deidrelease.cli.gate_display import show_verdict
    from deidrelease.policy import load_policy
    from deidrelease.policy.judging import judge, read_waivers

    wanted = _outputs(given)
    source = _result_file(given["result"])
    policy, result = load_policy(given["policy"]), read_result(source)
    today = _today()
    waivers = read_waivers(given["waivers"], given["trust"], today)
    verdict = judge(policy, result, waivers, today)
    for kind, path in wanted:
        _write(path, _document(kind, verdict, source, result, waivers.justifications))
    show_verdict(verdict, waivers.justifications)
    if not verdict.passed:
        context.exit(BLOCKED)
    if given["fail_on"] == "warn" and verdict.warnings:
        click.echo(f"Exit code {BLOCKED} because of --fail-on warn: {len(verdict.warnings)} warning(s).")
        context.exit(BLOCKED)


def _outputs(given: Mapping[str, Any]) -> list[tuple[str, Path]]:
    """What to write and where; no place twice, and none that is read."""
    if given["waivers"] and not given["trust"]:
        raise click.UsageError("--waivers needs --trust: waivers count only when a trusted key signed them")
    wanted = [*given["formats"], *([("json", given["out"])] if given["out"] else [])]
    read = [Path(given[name]) for name in ("result", "policy", "waivers", "trust") if given[name]]
    taken = {path.resolve() for path in (*read, _result_file(given["result"]))}
    for _, path in wanted:
        if path.resolve() in taken:
            raise click.UsageError(f"{path} is read, or stands twice among the files to write")
        taken.add(path.resolve())
    return wanted


def _result_file(told: Path) -> Path:
    if not told.is_dir():
        return told
    places = [told / "result.json", told / "audit" / "result.json"]
    there = [place for place in places if place.exists()]
    if len(there) > 1:
        raise click.UsageError(f"{told} holds two results: name {' or '.join(map(str, there))}")
    return (there or places)[0]


def _today() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


def _document(kind: str, verdict: "Verdict", source: Path, result: "AuditResult", said: Mapping[str, str]) -> bytes:
    import json
    from urllib.parse import quote

    from deidrelease.policy import verdict_bytes
    from deidrelease.report.gitlab import code_quality
    from deidrelease.report.junit import junit
    from deidrelease.report.sarif import sarif
    from deidrelease.report.step_summary import step_summary

    place = _place(source)
    # Of the private corpus only the keyed digest is here; without one, marks are the same for everybody.
    secret = result.corpora["train"].digest if "train" in result.corpora else ""
    if kind == "json":
        return verdict_bytes(verdict)
    if kind in ("sarif", "gitlab"):
        document: Any = (
            sarif(verdict, quote(place), secret, said)
            if kind == "sarif"
            else code_quality(verdict, place, secret, said)
        )
        return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode("ascii")
    return (junit if kind == "junit" else step_summary)(verdict, said).encode("utf-8")


def _place(source: Path) -> str:
    """Relative to where we are, as a CI wants it; of a file elsewhere the name alone, which tells of no folder."""
    here, there = Path.cwd(), source.resolve()
    return there.relative_to(here).as_posix() if there.is_relative_to(here) else there.name


def _write(path: Path, data: bytes) -> None:
    import os
    import stat

    from deidrelease.artifacts import atomic_writer
    from deidrelease.errors import ArtifactError, Problem

    try:
        # Whatever replaces a device or a link at its name takes more away than it puts there.
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise FileExistsError(0, "is no ordinary file")
        with atomic_writer(path) as stream:
            stream.write(data)
    except OSError as error:
        problem = Problem(str(path), f"cannot be written ({error.strerror})", "name a file that can be")
        raise ArtifactError("The verdict was not written.", [problem]) from None
