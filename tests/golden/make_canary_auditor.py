"""Writes canary-auditor.json: what jax-privacy's CanaryScoreAuditor says of drawn scores.

    pip download --no-deps jax-privacy==2.0.0 && unzip jax_privacy-2.0.0-py3-none-any.whl -d /tmp/jax
    python tests/golden/make_canary_auditor.py /tmp/jax/jax_privacy/auditing.py

The module needs dp-accounting, numpy and scipy, not jax; it is loaded by its path, as the package itself imports jax.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).parent / "canary-auditor.json"
LEVEL = 0.05
CASES = [(60, 0.0, 1e-5), (100, 1.0, 1e-5), (200, 2.0, 1e-6), (200, 4.0, 1e-3), (333, 0.5, 1e-12), (500, 8.0, 1e-5)]
"""Canaries, how much higher planted ones score, delta."""


def auditor_of(path: str) -> Any:
    """The module at `path`."""
    spec = importlib.util.spec_from_file_location("jax_privacy_auditing", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"no module at {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def drawn(seed: int, canaries: int, remembered: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores and coins; all scores differ."""
    rng = np.random.default_rng(seed)
    inserted = rng.random(canaries) < 0.5
    return rng.normal(size=canaries) + remembered * inserted, inserted


def told(auditing: Any, seed: int, canaries: int, remembered: float, delta: float) -> dict[str, Any]:
    """What the auditor says of one case: its bound where the `top` highest are guessed, and its AUC."""
    scores, inserted = drawn(seed, canaries, remembered)
    auditor = auditing.CanaryScoreAuditor(scores[inserted], scores[~inserted])
    ranked = np.sort(scores)[::-1]
    tops = [canaries // 2, canaries // 4, canaries // 8, canaries // 16]
    bounds = {
        top: auditor.epsilon_one_run(LEVEL, delta, threshold_strategy=auditing.Explicit(ranked[top - 1]))
        for top in tops
    }
    case = {"seed": seed, "canaries": canaries, "remembered": remembered, "delta": delta}
    return {
        **case,
        "auc": float(auditor.attack_auroc()),
        "epsilon_by_top": {str(t): float(b) for t, b in bounds.items()},
    }


if __name__ == "__main__":
    module = auditor_of(sys.argv[1])
    document = [told(module, seed, *case) for seed, case in enumerate(CASES)]
    TARGET.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
