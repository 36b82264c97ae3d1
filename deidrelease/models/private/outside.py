"""What the epsilon of a training does not cover, told whether or not a reader asks.

What is said here has to stay true whatever the other sections of the configuration are set to, now or later: a change
of theirs does not train the model again. So it speaks of all that a run may do, and not of what this one does.
"""

from deidrelease.settings import AdaptSettings

_ANNOTATOR = """Annotator: the tagger that tags the synthetic notes learns from the same patients. It has an epsilon of
its own where annotator.dp is set, and no bound at all otherwise; without dp it also stops early on dev."""
_ADAPTATION = """Adaptation: the language model learns from the same patients. It has an epsilon of its own where
adapt.dp is set, and no bound at all otherwise."""
_SAMPLING = """Sampling: the length cap of synthetic notes is a quantile of the lengths of training notes, and where
generate.count is not set, their number is a multiple of the number of training notes."""
_SURROGATES = """Surrogates: where substitute is on, dates of the private corpus are avoided among them."""
_PSEUDONYMISED = """Pseudonymisation: before the training, PII in the notes gave way to surrogates, which were chosen
in the light of the whole private corpus."""
_BASE = """Base weights: what the model had learnt before it came here is not covered; if notes of these patients were
among it, nothing is promised."""
_DEV = """Early stopping: there is none, but the loss on dev patients is computed before the first step and after the
last, to stop a training that learnt nothing. They are no units of this training and are promised nothing."""
_FIGURES = """Evaluation, audits and gate: their figures on private notes are exact. What is published of them, and
every note that is dropped or run that is repeated because of them, is outside."""
_SEARCH = """Search for settings: other trainings on these patients are not in this number. The ledger adds up what
they spent; what choosing among them tells is in no number."""
_SIZES = """Sizes: how many units there are, and which types of PII are annotated, are taken for public."""
_MACHINE = """Machine: noise is made of floating-point numbers, and a step's time and memory are not hidden."""
_EVERYWHERE = (_BASE, _DEV, _FIGURES, _SEARCH, _SIZES, _MACHINE)


def outside_adaptation(settings: AdaptSettings) -> tuple[str, ...]:
    """Every access to private notes that the epsilon of the adaptation does not cover."""
    before = (_PSEUDONYMISED,) if settings.pseudonymise else ()
    return _lines((_ANNOTATOR, *before, _SAMPLING, _SURROGATES, *_EVERYWHERE))


def outside_annotator() -> tuple[str, ...]:
    """Every access to private notes that the epsilon of the annotator does not cover."""
    return _lines((_ADAPTATION, *_EVERYWHERE))


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.replace("\n", " ") for text in texts)
