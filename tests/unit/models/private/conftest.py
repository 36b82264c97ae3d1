"""Plans and trainers of the tiny regression."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opacus", reason="the extra dp is not installed")
pytest.importorskip("dp_accounting", reason="the extra dp is not installed")

from made.regressions import PLAN, Example, trainer_in

from deidrelease.models.private.plan import Plan
from deidrelease.models.private.training import PrivateTrainer

MakeTrainer = Callable[..., PrivateTrainer[Example]]


@pytest.fixture
def plan() -> Plan:
    return PLAN


@pytest.fixture
def make_trainer(tmp_path: Path) -> MakeTrainer:
    def make(folder: str = "fit", **changes: Any) -> PrivateTrainer[Example]:
        return trainer_in(tmp_path / folder, **changes)

    return make
