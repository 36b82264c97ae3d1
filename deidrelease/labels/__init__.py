"""What a label means: its HIPAA class, how far it identifies, whose value it is, and what may stand in for it."""

from deidrelease.labels.meaning import HIPAA_CLASSES, IDENTIFIES, KINDS, WHOSE, Label, LabelMap
from deidrelease.labels.reading import find_label_map, load_label_map, shipped_label_maps

__all__ = [
    "HIPAA_CLASSES",
    "IDENTIFIES",
    "KINDS",
    "WHOSE",
    "Label",
    "LabelMap",
    "find_label_map",
    "load_label_map",
    "shipped_label_maps",
]
