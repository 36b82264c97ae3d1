"""How well a tagger finds what must not be seen, with intervals over patients."""

from deidrelease.scoring.scores import LabelScores, Scores, as_dict, compare, estimates_as_dict, score, summarise
from deidrelease.scoring.tallies import PatientTallies, Scorer, Tally, tally_patients, training_values

__all__ = [
    "LabelScores",
    "PatientTallies",
    "Scorer",
    "Scores",
    "Tally",
    "as_dict",
    "compare",
    "estimates_as_dict",
    "score",
    "summarise",
    "tally_patients",
    "training_values",
]
