"""The flow: which stages there are, what they are made from, and what can be known before any of them runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease import artifacts, pipeline
from deidrelease.errors import ArtifactError, BundleError, Problem
from deidrelease.formats import open_corpus
from deidrelease.keys import load_or_make_key
from deidrelease.labels import load_label_map
from deidrelease.models.loading import go_offline
from deidrelease.models.private.accounts import account_of
from deidrelease.pipeline import Source
from deidrelease.privacy.account import Account
from deidrelease.settings import ReleaseConfig
from deidrelease.stages.adapt import Adapt
from deidrelease.stages.annotate import Annotate
from deidrelease.stages.annotator import Annotator
from deidrelease.stages.audit import SITE_KEY, Audit
from deidrelease.stages.evaluate import Evaluate
from deidrelease.stages.gate import Gate
from deidrelease.stages.generate import Generate
from deidrelease.stages.pseudonymise import Pseudonymise
from deidrelease.stages.split import Split
from deidrelease.stages.substitute import Substitute
from deidrelease.stages.train import Train
from deidrelease.work import Finished, Stage, Standing

if TYPE_CHECKING:
    from deidrelease.bundle.collecting import Material

CONFIG = "config.json"


def stages_of(config: ReleaseConfig) -> list[Stage]:
    """The stages of the flow, each after all that it reads.

    Without audits there is nothing to judge, and so no gate.
    """
    pseudonymised, substituted = config.adapt.pseudonymise, config.substitute.enabled
    labels = config.corpus.labels or ""
    account = account_of(config)
    stages: list[Stage | None] = [
        Split(config.corpus, config.split),
        Annotator(config.annotator, config.compute, account),
        Pseudonymise(config.substitute, labels) if pseudonymised else None,
        Adapt(config.adapt, config.compute, account),
        Generate(config.generate, config.compute, pseudonymised),
        Annotate(config.annotate, config.compute, substituted),
        Substitute(config.substitute, labels) if substituted else None,
        Train(config.train, config.synthetic_dev, config.compute, substituted),
        Evaluate(config.evaluate, config.compute),
        _audit_of(config, labels, account) if config.audit.enabled else None,
        Gate(config.gate, datetime.now(UTC).date()) if config.audit.enabled else None,
    ]
    return [stage for stage in stages if stage is not None]


def _audit_of(config: ReleaseConfig, labels: str, account: Account) -> Audit:
    """With what the trainings noted down, where any of them did: other runs stay what they are."""
    promised = {name: getattr(config, name).dp is not None for name in ("adapt", "annotator")}
    noted = {**promised, "adapt": promised["adapt"] or config.adapt.canaries is not None}
    records = tuple(name for name, there in noted.items() if there)
    language, substituted = config.substitute.language, config.substitute.enabled
    return Audit(config.audit, labels, language, substituted, records, account if any(promised.values()) else None)


def sources_of(config: ReleaseConfig) -> dict[str, Source]:
    """What the flow reads but does not make: the private corpus, digested by content, and the site's key."""
    corpus, key = config.corpus, config.run_dir / SITE_KEY

    def digest() -> str:
        return open_corpus(corpus.path, corpus.format, corpus.reading()).digest()

    def key_digest() -> str:
        # Another key, another result; without one, audits are made anew.
        return load_or_make_key(key).digest("key", "") if key.exists() else ""

    return {"corpus": Source(corpus.path, digest), SITE_KEY: Source(key, key_digest)}


def run(config: ReleaseConfig, until: str | None = None) -> Iterator[Finished]:
    """Runs the flow, or what is left of it, yielding each stage as it is done.

    Raises:
        PolicyError: The gate would have nothing to judge by; said before the first hour of training, not after it.
    """
    go_offline(config.compute.download)
    stages = stages_of(config)
    for stage in stages:
        if isinstance(stage, Gate):
            stage.settings()

    def record() -> None:
        artifacts.write_text(config.run_dir / CONFIG, config.model_dump_json(indent=1) + "\n")
        if config.audit.enabled:
            load_or_make_key(config.run_dir / SITE_KEY)

    yield from pipeline.run(stages, config.run_dir, sources_of(config), config.seed, until, record)


def status(run_dir: Path) -> list[Standing]:
    """What stands in a run folder, judged by the configuration that it was last run with.

    Raises:
        ArtifactError: The folder is no run folder.
    """
    config = recorded_config(run_dir)
    return pipeline.standings(stages_of(config), config.run_dir, sources_of(config), config.seed)


def recorded_config(run_dir: Path) -> ReleaseConfig:
    """The configuration that a run folder was last run with, pointed at where the folder is now."""
    from pydantic import ValidationError

    path = run_dir / CONFIG
    try:
        config = ReleaseConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        problem = Problem(str(path), "is missing or cannot be read", "name a folder that `deidrelease run` made")
        raise ArtifactError("This is no run folder.", [problem]) from None
    return config.model_copy(update={"run_dir": run_dir})


def material_of(run_dir: Path) -> "Material":
    """What a finished run gives to a bundle, and the private corpora to search the bundle for.

    Raises:
        ArtifactError: The folder is no run folder.
        BundleError: The run is not finished, or says nowhere what its labels mean.
    """
    from deidrelease.bundle.collecting import from_run, require_done

    config = recorded_config(run_dir)
    # The gate's own verdict is not asked: the policy judges anew, on the day of the bundle.
    standings = [standing for standing in status(run_dir) if standing.stage != Gate.name]
    require_done((standing.stage, standing.state, standing.why) for standing in standings)
    if config.corpus.labels is None:
        problem = Problem("corpus.labels", "does not say what the labels mean", "set it to a label map, and run again")
        raise BundleError("Nobody knows what to search for in the bundle's files.", [problem])
    receipts = {standing.stage: standing.receipt for standing in standings if standing.receipt is not None}
    key = load_or_make_key(run_dir / SITE_KEY)
    return from_run(run_dir, receipts, load_label_map(config.corpus.labels), key)
