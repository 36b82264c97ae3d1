"""One peer's own numbers on releases that lie in folders. Runs in the peer's interpreter, which has no deidrelease.

    PYTHON benchmarks/peer_contender.py NAME FOLDER...

A folder holds `train.jsonl`, `holdout.jsonl` and `release.jsonl`; a line is a note, with its `note_id`, its `text` and
its `values`: label and text of each direct identifier of its patient. So the peers that look for values are told all of
them, without a detector's misses. Searches that cannot find anything are not handed over: the peers' numbers stay as
they are, and their time, which nobody measures here, falls to a tenth.

Prints one JSON object a folder. What a peer prints itself is thrown away, as it may hold text of the notes.
"""

import contextlib
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

Notes = list[dict[str, Any]]
Numbers = dict[str, float]
Measure = Callable[[Mapping[str, Notes], Path], Numbers]
RUN = 150
"""Characters in a row from which on PrivacyGuard calls a text copied."""
_ROW = re.compile(r"^\|\s*\d+\s*\|\s*(\d+)\s*\|$", re.MULTILINE)
"""Of the table that SynthTextEval prints and does not return: length of the context, count."""


def synthtexteval(arms: Mapping[str, Notes], folder: Path) -> Numbers:
    """Entities of train in the release, and phrases around them that stand in train as well."""
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    from synthtexteval.eval.privacy.metrics import (  # type: ignore[import-not-found,unused-ignore]
        compute_phrase_text_overlap,
        entity_leakage,
        search_phrase_text,
    )

    texts = _texts(arms["release"])
    everything = "\n".join(texts).casefold()
    entities = [value for value in _values(arms["train"]) if value.casefold() in everything]
    mean, told = entity_leakage(texts, entities, None)
    leaked = {entity for found, _ in told.values() for entity, there in found.items() if there}
    printed, phrases = io.StringIO(), str(folder / "phrases.csv")
    with contextlib.redirect_stdout(printed):
        # What `search_and_compute_EPO` does, but each entity is looked for only where it stands.
        standing = [(entity, [text for text in texts if entity in text]) for entity in entities]
        found = [
            search_phrase_text(pd.DataFrame({"output_text": having}), [entity], phrases)
            for entity, having in standing
            if having
        ]
        pd.concat(found).to_csv(phrases, index=False)
        compute_phrase_text_overlap(phrases, _texts(arms["train"]))
    overlap = sum(int(count) for count in _ROW.findall(printed.getvalue()))
    return {"entities leaked": len(leaked), "entities leaked per note": mean, "phrases that overlap": overlap}


def privacyguard(arms: Mapping[str, Notes], _: Path) -> Numbers:
    """Values of train that are included in the release."""
    values, release = _values(arms["train"]), "\n".join(_texts(arms["release"]))
    included = _inclusion(values, release, disable_longest_common_substring=True).inclusion_score
    return {"values included": int(included.sum())}


def privacyguard_runs(arms: Mapping[str, Notes], _: Path) -> Numbers:
    """Notes of train of which 150 characters in a row stand in the release: its threshold for copied text."""
    from privacy_guard.analysis.extraction.text_inclusion_analysis_input import (  # type: ignore[import-not-found,unused-ignore]
        LCSBoundConfig,
    )
    from privacy_guard.analysis.extraction.text_inclusion_analysis_node import (  # type: ignore[import-not-found,unused-ignore]
        _clean_text,
    )

    release = "\n".join(_texts(arms["release"]))
    cleaned = _clean_text(release)
    candidates = [text for text in _texts(arms["train"]) if _may_share(_clean_text(text), cleaned)]
    if not candidates:
        return {"notes sharing 150 characters": 0}
    bound = LCSBoundConfig(lcs_len_target=RUN, fp_len_target=50)
    told = _inclusion(candidates, release, disable_exact_match=True, lcs_bound_config=bound)
    return {"notes sharing 150 characters": sum(max(one.values()) >= RUN for one in told.longest_common_substring)}


def _may_share(text: str, release: str) -> bool:
    """Any `RUN` characters of `text` hold one whole of its pieces of half that length, so one of them must stand."""
    half = RUN // 2
    return any(text[at : at + half] in release for at in range(0, len(text) - half + 1, half))


def _inclusion(targets: list[str], release: str, **asked: Any) -> Any:
    import pandas as pd
    from privacy_guard.analysis.extraction.text_inclusion_analysis_input import TextInclusionAnalysisInput
    from privacy_guard.analysis.extraction.text_inclusion_analysis_node import (  # type: ignore[import-not-found,unused-ignore]
        TextInclusionAnalysisNode,
    )

    frame = pd.DataFrame({"prompt": "", "target": targets, "output_text": release})
    asking = TextInclusionAnalysisInput(
        frame, disable_similarity=True, disable_word_level_longest_common_subsequence=True, **asked
    )
    node = TextInclusionAnalysisNode(asking)
    # It cleans the whole release again for each value.
    node.clean_text_method = cache(node.clean_text_method)
    return node.run_analysis()


def safe_synthesizer(arms: Mapping[str, Notes], _: Path) -> Numbers:
    """Values of train that the replay report counts in the release, and rows that it calls memorised."""
    import pandas as pd
    from nemo_safe_synthesizer.evaluation.components.pii_replay import (  # type: ignore[import-not-found,unused-ignore]
        PIIReplay,
    )
    from nemo_safe_synthesizer.evaluation.data_model.evaluation_datasets import (  # type: ignore[import-not-found,unused-ignore]
        EvaluationDatasets,
    )
    from nemo_safe_synthesizer.pii_replacer.transform_result import (  # type: ignore[import-not-found,unused-ignore]
        ColumnStatistics,
    )

    values: dict[str, set[str]] = defaultdict(set)
    for label, value in (pair for note in arms["train"] for pair in note["values"]):
        values[label].add(value)
    statistics = ColumnStatistics(
        assigned_type="text",
        assigned_entity=None,
        detected_entity_counts={label: len(of_label) for label, of_label in values.items()},
        detected_entity_values=values,
    )
    frames = {arm: pd.DataFrame({"text": _texts(notes)}) for arm, notes in arms.items()}
    datasets = EvaluationDatasets.from_dataframes(
        frames["train"], frames["release"], frames["holdout"], column_statistics={"text": statistics}
    )
    replayed = PIIReplay.from_evaluation_datasets(datasets).pii_replay_data
    return {
        "values replayed": sum(row.unique_synthetic_data for row in replayed),
        "rows memorised": datasets.memorized_lines,
    }


def mostlyai(arms: Mapping[str, Notes], _: Path) -> Numbers:
    """The share of release notes that lie closer to train than to the hold-out; half is what chance gives."""
    import pandas as pd
    from mostlyai import qa  # type: ignore[import-not-found,unused-ignore]
    from mostlyai.qa._distances import (  # type: ignore[import-not-found,unused-ignore]
        calculate_dcr_share,
        calculate_distances,
    )
    from mostlyai.qa._sampling import (  # type: ignore[import-not-found,unused-ignore]
        prepare_data_for_embeddings,
    )

    # Its `report` does the same in between accuracies and pictures, which take far longer.
    qa.set_random_state(0)
    frames = [pd.DataFrame({"text": _texts(arms[arm])}) for arm in ("release", "train", "holdout")]
    embedded = prepare_data_for_embeddings(
        **dict(zip(("syn_tgt_data", "trn_tgt_data", "hol_tgt_data"), frames, strict=True))
    )
    told = calculate_distances(**dict(zip(("syn_embeds", "trn_embeds", "hol_embeds"), embedded, strict=True)))
    return {"DCR share": float(calculate_dcr_share(told["dcr_syn_trn"], told["dcr_syn_hol"]))}


PEERS: dict[str, tuple[str, Measure]] = {
    "synthtexteval": ("synthtexteval", synthtexteval),
    "privacyguard": ("privacyguard-platform", privacyguard),
    "privacyguard-runs": ("privacyguard-platform", privacyguard_runs),
    "safe-synthesizer": ("nemo-safe-synthesizer", safe_synthesizer),
    "mostlyai": ("mostlyai-qa", mostlyai),
}
"""By the name on the command line: the distribution, and what is asked of it."""


def _texts(notes: Notes) -> list[str]:
    return [note["text"] for note in notes]


def _values(notes: Iterable[dict[str, Any]]) -> list[str]:
    return sorted({value for note in notes for _, value in note["values"]})


def _read(folder: Path) -> dict[str, Notes]:
    return {
        arm: [json.loads(line) for line in (folder / f"{arm}.jsonl").read_text(encoding="utf-8").splitlines()]
        for arm in ("train", "holdout", "release")
    }


def main() -> None:
    """Measures every folder with the peer named."""
    distribution, measure = PEERS[sys.argv[1]]
    for folder in map(Path, sys.argv[2:]):
        arms = _read(folder)
        with contextlib.redirect_stdout(io.StringIO()):
            numbers = measure(arms, folder)
        told = {"version": version(distribution), "numbers": numbers}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
