"""What each metric means, in a sentence; a metric that is not listed is shown by its name alone."""

from collections.abc import Mapping

_PATIENTS_EXCESS = "Share of train patients who are matched, beyond the share of the hold-out."
_GLOSSES: Mapping[str, Mapping[str, str]] = {
    "verbatim": {
        "longest_span_tokens": "Words of the longest span that a synthetic note shares with a private one.",
        "longest_span_tokens_raw": "The same in raw tokens: case, accents and punctuation count.",
        "notes_with_span_8": "Share of synthetic notes with a shared span of 8 words or more.",
        "notes_with_span_13": "Share of synthetic notes with a shared span of 13 words or more.",
        "notes_with_span_25": "Share of synthetic notes with a shared span of 25 words or more.",
        "notes_with_span_50": "Share of synthetic notes with a shared span of 50 words or more.",
        "tokens_in_spans_13": "Share of the synthetic words that stand in shared spans of 13 words or more.",
        "calibrated_length": "L*: the longest shared span of all but one in a thousand hold-out patients, in words.",
        "notes_beyond_calibrated": "Share of synthetic notes that share a longer span than L* with a train note.",
        "patients_excess": _PATIENTS_EXCESS,
        "p_value": "Chance of such an excess if nothing was learned.",
        "decisive": "Pairs of synthetic note and patient with a span that chance does not explain.",
    },
    "near_duplicate": {
        "notes_contained_50": "Share of synthetic notes that hold half of one private note, or half of which it holds.",
        "notes_contained_80": "The same with four fifths.",
        "max_containment": "The largest such share of all pairs of notes.",
        "dcr_share": "Share of synthetic notes that lie nearer to train than to the hold-out; a half if nothing was "
        "learned.",
        "patients_excess": _PATIENTS_EXCESS,
        "p_value": "Chance of such an excess if nothing was learned.",
        "decisive": "Synthetic notes that share more with one train patient than chance explains.",
    },
    "pii_replay": {
        "unique_identifiers": "Identifiers of one train patient alone that stand exactly in the synthetic text.",
        "unique_excess": "The same, less what the hold-out shows.",
        "fuzzy_identifiers": "Such identifiers that stand there only in another spelling.",
        "fuzzy_excess": "Other spellings, less what the hold-out shows.",
        "rate": "Share of train patients with at least one such identifier found exactly.",
        "patients_excess": _PATIENTS_EXCESS,
        "p_value": "Smallest p of the classes' tests and the pooled one, after Holm.",
        "flagged_classes": "Classes of identifiers found with more train than hold-out patients.",
        "rarity_bits": "How rare the found identifiers are among all patients, in bits, summed.",
        "decisive": "Identifiers found that chance does not explain.",
    },
    "linkage": {
        "same_patient_pairs": "Pairs of synthetic note and train patient with two rare values together.",
        "notes_linking": "Share of synthetic notes with such a pair.",
        "unique_combinations": "Three or more common facts together that one train patient alone has together.",
        "patients_excess": _PATIENTS_EXCESS,
        "p_value": "Chance of so many matched train patients if nothing was learned.",
        "decisive": "Pairs that chance does not explain.",
    },
    "pii_residual": {
        "hits_per_1k_tokens": "Detector hits per 1,000 tokens; surrogates are meant to be hit.",
        "untagged_hits": "Hits outside every span that the release declares.",
        "untagged_hits_per_1k_tokens": "The same per 1,000 tokens.",
        "detector_recall": "Share of annotated hold-out mentions that the detectors cover wholly.",
        "upper_rate": "Upper bound of identifiers per 1,000 tokens, given that recall.",
        "upper_rate_names": "The bound for names.",
        "upper_rate_places": "The bound for places.",
        "upper_rate_dates": "The bound for dates.",
        "upper_rate_contacts": "The bound for contacts.",
        "upper_rate_numbers": "The bound for numbers.",
        "upper_rate_others": "The bound for other identifiers.",
    },
    "membership": {
        "auc": "Chance that the language-model attack scores a train patient above a hold-out patient; 0.5 is a coin.",
        "auc_nearest": "The same for the attack by the nearest synthetic note.",
        "tpr_at_1pct_fpr": "Share of train patients named while at most 1% of the hold-out is wrongly named.",
        "p_value": "Smaller p of the two attacks, after Holm.",
        "blind_auc": "The same chance for a classifier that never sees the release; far from 0.5 the split is unfair.",
    },
    "diversity": {
        "exact_duplicates": "Share of synthetic notes that repeat an earlier one.",
        "near_duplicates": "Share of which another is the same, or nearly so.",
        "distinct_1": "Different words for each word; the control is train.",
        "distinct_2": "Different pairs of words for each word; the control is train.",
        "distinct_3": "Different runs of three words for each word; the control is train.",
        "label_divergence": "How far the mix of entity types is from train's: 0 alike, 1 nothing shared.",
        "length_q05": "Words that 5% of the notes do not exceed; the control is train.",
        "length_q50": "Median number of words; the control is train.",
        "length_q95": "Words that 95% do not exceed; the control is train.",
    },
    "canary": {
        "exposure_mean": "Mean exposure of planted secrets, in bits (Carlini et al. 2019).",
        "auc": "Chance that a planted secret scores above one that was not planted; 0.5 is a coin.",
        "auc_text": "The same for the attack that has nothing but the synthetic text.",
        "reproduced": "Share of planted secrets of which a word or an identifier stands in a synthetic note.",
        "tpr_at_1pct_fpr": "Share of planted secrets named while at most 1% of the others are.",
        "epsilon_lower": "Lower bound of \N{GREEK SMALL LETTER EPSILON} that the planted secrets prove.",
        "ceiling": "The largest bound that so many secrets could have proved.",
    },
    "dp": {
        "epsilon": "\N{GREEK SMALL LETTER EPSILON} of this run's trainings with a promise, composed, for one patient.",
        "delta": "\N{GREEK SMALL LETTER DELTA} at which that holds.",
        "cumulative_epsilon": "\N{GREEK SMALL LETTER EPSILON} of all private steps in the ledger, composed.",
        "cumulative_delta": "\N{GREEK SMALL LETTER DELTA} at which that holds.",
    },
}


def gloss(audit: str, metric: str) -> str:
    """What `metric` of `audit` means; empty where it is not known here."""
    return _GLOSSES.get(audit, {}).get(metric, "")
