"""Makes a run's canaries once, and finds them again after a kill."""

from collections.abc import Sequence
from pathlib import Path

from deidrelease.canaries.canary import Canary
from deidrelease.canaries.crafting import craft
from deidrelease.canaries.phrases import forms_for
from deidrelease.canaries.record import CANARIES, CanaryRecord, read_record, write_record
from deidrelease.notes import Corpus
from deidrelease.settings.canaries import CanarySettings


def canaries_of(
    settings: CanarySettings | None, train: Corpus, known: Sequence[Corpus], checkpoint: Path, private: bool
) -> tuple[Canary, ...]:
    """The canaries of a training: those of the attempt before, or new ones; none without settings.

    A resumed training has to go on with the canaries that it has learnt from already, so they are on disk before it
    begins.

    Args:
        settings: None for a training without canaries.
        train: Notes that are learnt from.
        known: All notes at hand, `train` and gold ones included: no canary may equal anything in them.
        checkpoint: Folder of the training's own files.
        private: Whether the training has differential privacy: then no note may decide how a canary begins.

    Raises:
        ArtifactError: Those of the attempt before cannot be read.
    """
    if settings is None:
        return ()
    path = checkpoint / CANARIES
    if path.exists():
        return read_record(path).canaries
    public = private or settings.prefix == "public"
    forms = forms_for(train, public, settings.form_patients, settings.language)
    canaries = craft(settings.count, settings.words, forms, known)
    write_record(CanaryRecord(canaries, None), path)
    return canaries
