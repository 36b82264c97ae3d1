"""What must stay true of the whole: what `--help` may load, what documents must say, what leaves the machine."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "datasets", "peft", "matplotlib", "presidio_analyzer", "opacus", "numpy", "pydantic")
_RUN = """
import sys
sys.argv = ["deidrelease", *{arguments!r}]
from deidrelease.cli.main import cli
try:
    cli()
except SystemExit as error:
    assert not error.code, error.code
loaded = [name for name in {heavy!r} if name in sys.modules]
assert not loaded, loaded
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["demo", "--help"],
        ["corpus", "check", "--help"],
        ["audit", "--help"],
        ["gate", "--help"],
        ["ablate", "--help"],
        ["ablate", "run", "--help"],
    ],
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = _RUN.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_configuration_reference_is_what_the_settings_say() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from make_reference import ABLATION, TARGET, ablation_reference, reference
    finally:
        sys.path.pop(0)
    assert TARGET.read_text(encoding="utf-8") == reference()
    assert ABLATION.read_text(encoding="utf-8") == ablation_reference()


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    from click.testing import CliRunner

    from deidrelease.cli.main import _COMMANDS, cli

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in _COMMANDS:
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0
        assert len(shown.output) > 200, f"{name} says too little"
        assert f"deidrelease {name}" in readme or f"make {name}" in readme


@pytest.mark.parametrize(
    "example",
    sorted(path for path in (ROOT / "examples").glob("*.yaml") if not path.name.startswith("ablation-")),
    ids=lambda path: path.name,
)
def test_every_example_is_a_valid_configuration(example: Path) -> None:
    from deidrelease.config import load_config

    assert load_config(example, ["seed=3"]).seed == 3


def test_every_link_between_documents_leads_somewhere() -> None:
    import re

    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert links
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
