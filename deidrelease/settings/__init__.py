"""The settings of a run: one section a stage, each key with its meaning, its default and its limits."""

from deidrelease.settings.base import Section
from deidrelease.settings.canaries import CanarySettings
from deidrelease.settings.corpus import CorpusSettings, SplitSettings
from deidrelease.settings.dp import DpSettings
from deidrelease.settings.gate import GateSettings
from deidrelease.settings.models import (
    AdaptSettings,
    AnnotatorSettings,
    LoraSettings,
    PublicVocabulary,
    ScratchCausal,
    ScratchEncoder,
    TaggerSettings,
)
from deidrelease.settings.privacy import BudgetSettings, PrivacySettings
from deidrelease.settings.run import ComputeSettings, ReleaseConfig
from deidrelease.settings.synthetic import (
    AnnotateSettings,
    AuditSettings,
    EvaluateSettings,
    GenerateSettings,
    SubstituteSettings,
)

__all__ = [
    "AdaptSettings",
    "AnnotateSettings",
    "AnnotatorSettings",
    "AuditSettings",
    "BudgetSettings",
    "CanarySettings",
    "ComputeSettings",
    "CorpusSettings",
    "DpSettings",
    "EvaluateSettings",
    "GateSettings",
    "GenerateSettings",
    "LoraSettings",
    "PrivacySettings",
    "PublicVocabulary",
    "ReleaseConfig",
    "ScratchCausal",
    "ScratchEncoder",
    "Section",
    "SplitSettings",
    "SubstituteSettings",
    "TaggerSettings",
]
