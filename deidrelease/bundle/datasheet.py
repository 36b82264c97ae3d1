"""What holds of every corpus that deidrelease releases, under the headings of a datasheet (Gebru et al. 2021).

The dataset card and the Croissant file say the same things, so both have them from here. Nothing here names the source:
where the private notes come from is what nobody may learn.
"""

from collections.abc import Mapping

MOTIVATION = (
    "Notes of this kind hold personal data and cannot be shared. These were made so that methods can be developed and "
    "compared on text of a like form, without access to the notes of any patient."
)
COLLECTION_UNKNOWN = (
    "How these notes were made is for the publisher to say: they did not come out of a run of deidrelease, which "
    "audited them only."
)
ANNOTATION_UNKNOWN = "How the spans came about is for the publisher to say."
COLLECTION = (
    "No note was collected. A language model that had been adapted to private clinical notes sampled these, and a "
    "tagger trained on the private annotation marked the personal data in them."
)
ANNOTATION = (
    "Spans were set by a machine and corrected by nobody. How well such a tagger does on real notes is in the utility "
    "section of the report, where there is one."
)
PREPROCESSING = (
    "The receipts list the stages in the order in which they ran, with versions and seeds. Where surrogates were put "
    "in place of tagged values, the report says so."
)
PRIVACY = (
    "The private notes hold names, numbers, addresses and diagnoses of real people. These notes were held against them "
    "by the audits whose results are in the bundle; whatever looks like a person in them is meant to be invented."
)
PASSING = (
    "That a policy was passed means that the audits measured what is in the report, within the intervals given there, "
    "and that this was within the limits of that policy. It does not mean that the notes are anonymous, that no "
    "patient can be recognised in them, or that any law is complied with. What nobody looked for was not found."
)
USES = ("Developing and comparing methods that find personal data in clinical text.", "Teaching.", "Software tests.")
NOT_FOR = (
    "Anything about the care of a person, statistics about patients or diseases, or attempts to recognise somebody. "
    "The notes look like medicine and are not: what they say is invented, and often wrong."
)
BIASES = (
    "The notes repeat the language, the documentation habits and the gaps of their source, and what a model makes of "
    "them; rare cases are rarer in them or missing."
)
LIMITATIONS = (
    "A paraphrase of a private note, a fact without a name, or a value that nobody had annotated may stand in these "
    "notes without any audit having seen it."
)
SOCIAL = (
    "Someone may take an invented person for a real one, or believe to have recognised somebody. Write to the contact, "
    "and to nobody else, in that case."
)
MAINTENANCE = (
    "A release ends on the day that is named in it and may be withdrawn before. A later release of the same data set "
    "names the one before it by its digest. Verify before each use."
)
STAGES: Mapping[str, str] = {
    "split": "patients were parted into training, development and hold-out",
    "annotator": "a tagger was trained on the private annotation",
    "pseudonymise": "surrogates took the place of annotated values before the language model saw the notes",
    "adapt": "a language model was adapted to the private training notes",
    "generate": "notes were sampled from it",
    "annotate": "the tagger marked personal data in them",
    "substitute": "surrogates took the place of tagged values",
    "train": "a second tagger was trained on the synthetic notes alone",
    "evaluate": "both taggers were compared on the hold-out patients",
    "audit": "the audits were run",
    "gate": "the policy judged",
}


def collection(made_by_run: bool) -> tuple[str, str]:
    """How notes and spans came about, as far as the tool can know."""
    return (COLLECTION, ANNOTATION) if made_by_run else (COLLECTION_UNKNOWN, ANNOTATION_UNKNOWN)


def privacy_statement(promises: Mapping[str, object] | None) -> str:
    """What is promised of the way the notes were made, by training."""
    if promises is not None and promises.get("annotator") is not None:
        return (
            "Differential privacy for the trainings of the language model and of the tagger that labelled the notes, "
            "each with an epsilon of its own, and for nothing that they name as outside."
        )
    if promises is not None:
        return (
            "Differential privacy for the training of the language model, and for nothing that it names as outside: "
            "the tagger that labelled the notes has no such bound."
        )
    return (
        "No differential privacy: how much any one patient can have changed these notes has no proven bound. What the "
        "audits measured is all that is known."
    )
