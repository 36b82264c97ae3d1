"""The audits again in plain Python, with sets and dictionaries: straightforward, and independent of their code.

    python benchmarks/oracles.py SYNTHETIC TRAIN HOLDOUT [--only verbatim,…]

They compute the metrics that need the whole search; intervals, nulls, bootstraps, permutations and the blind classifier
are left out, which favours them in a comparison of times. `oracle_values.py` has those that look for values. Prints
audit to metric to value, and the seconds of processor time of each, as JSON.
"""

import argparse
import json
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log, log2
from pathlib import Path

from oracle_values import linkage, pii_replay

from deidrelease.notes import Note, Span

Metrics = dict[str, float]
Arms = Mapping[str, Sequence[Note]]
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_PIECE = re.compile(r"\w+|[^\w\s]")
LEAST, WIDTH, LEAST_SHARED = 8, 5, 8
ORDER, LEAST_GAIN, COMMON, GRAIN = 5, 4.0, 50, 1 << 16


def words(text: str) -> list[str]:
    """Runs of letters, digits and combining marks after NFKC and case folding."""
    return _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


def verbatim(arms: Arms) -> Metrics:
    """`longest_span_tokens`, `notes_with_span_*`, `tokens_in_spans_13`, with the hold-out's, and of raw tokens too."""
    ours = [words(note.text) for note in arms["synthetic"]]
    spans = _spans(ours, (words(note.text) for note in arms["train"]))
    _spans(ours, (words(note.text) for note in arms["holdout"]))
    raw = [_PIECE.findall(note.text) for note in arms["synthetic"]]
    raw_spans = _spans(raw, (_PIECE.findall(note.text) for note in arms["train"]))
    _spans(raw, (_PIECE.findall(note.text) for note in arms["holdout"]))
    longest = [max((length for _, length in found), default=0) for found in spans]
    shares = {f"notes_with_span_{n}": sum(length >= n for length in longest) / len(ours) for n in (8, 13, 25, 50)}
    covered = sum(len({at for first, n in found if n >= 13 for at in range(first, first + n)}) for found in spans)
    return {
        "longest_span_tokens": max(longest),
        "longest_span_tokens_raw": max(length for found in raw_spans for _, length in found),
        "tokens_in_spans_13": covered / max(1, sum(map(len, ours))),
        **shares,
    }


def _spans(indexed: Sequence[Sequence[str]], streamed: Iterable[Sequence[str]]) -> list[set[tuple[int, int]]]:
    """For each indexed note the first token and length of all maximal spans that it shares with a streamed one."""
    places = defaultdict(list)
    for number, tokens in enumerate(indexed):
        for at in range(len(tokens) - LEAST + 1):
            places[tuple(tokens[at : at + LEAST])].append((number, at))
    found: list[set[tuple[int, int]]] = [set() for _ in indexed]
    for theirs in streamed:
        for at in range(len(theirs) - LEAST + 1):
            for number, there in places.get(tuple(theirs[at : at + LEAST]), ()):
                ours = indexed[number]
                if at and there and theirs[at - 1] == ours[there - 1]:
                    continue  # part of a span that began before
                length = LEAST
                while ours[there + length : there + length + 1] == theirs[at + length : at + length + 1] != []:
                    length += 1
                found[number].add((there, length))
    return found


def near_duplicate(arms: Arms) -> Metrics:
    """`notes_contained_50`, `notes_contained_80`, `max_containment`; the nearest by Jaccard similarity is found too."""
    ours = [_shingles(words(note.text)) for note in arms["synthetic"]]
    holders = defaultdict(list)
    for number, shingles in enumerate(ours):
        for shingle in shingles:
            holders[shingle].append(number)
    best = {arm: _nearest(ours, holders, arms[arm]) for arm in ("train", "holdout")}
    contained = best["train"][0]
    shares = {f"notes_contained_{p}": sum(c >= p / 100 for c in contained) / len(ours) for p in (50, 80)}
    return {"max_containment": max(contained), **shares}


def _nearest(
    ours: Sequence[set[tuple[str, ...]]], holders: Mapping[tuple[str, ...], Sequence[int]], notes: Iterable[Note]
) -> tuple[list[float], list[float]]:
    """Each synthetic note's largest containment, either way, and its largest Jaccard similarity."""
    contained, similar = [0.0] * len(ours), [0.0] * len(ours)
    for note in notes:
        theirs = _shingles(words(note.text))
        shared = Counter(number for shingle in theirs for number in holders.get(shingle, ()))
        for number, count in shared.items():
            if count >= LEAST_SHARED:
                sizes = len(ours[number]), len(theirs)
                contained[number] = max(contained[number], count / min(sizes))
                similar[number] = max(similar[number], count / (sum(sizes) - count))
    return contained, similar


def _shingles(tokens: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(tokens[at : at + WIDTH]) for at in range(len(tokens) - WIDTH + 1)}


def membership(arms: Arms) -> Metrics:
    """`auc` and `auc_nearest`: a Witten-Bell model of five words, and the nearest synthetic note."""
    ours = [words(note.text) for note in arms["synthetic"]]
    model, holders = _fitted(ours), defaultdict(set)
    for number, tokens in enumerate(ours):
        for shingle in _shingles(tokens):
            holders[shingle].add(number)
    gains, nearest = {}, {}
    for arm in ("train", "holdout"):
        per_patient: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0])
        for note in arms[arm]:
            tokens, seen = words(note.text), per_patient[note.patient_id]
            seen[0] += len(tokens)
            seen[1] += _gained(model, tokens)
            seen[2] = max(seen[2], _containment(tokens, holders))
        gains[arm] = [gain / GRAIN / max(1, count) for count, gain, _ in per_patient.values()]
        nearest[arm] = [near for _, _, near in per_patient.values()]
    return {"auc": _auc(gains["train"], gains["holdout"]), "auc_nearest": _auc(nearest["train"], nearest["holdout"])}


def _fitted(texts: Sequence[Sequence[str]]) -> tuple[list[Counter[tuple[str, ...]]], list[Counter], list[Counter], int]:
    """Counts of the n-grams, how often each was followed by a word, and by how many different words; all words."""
    counts = [
        Counter(tuple(text[at : at + n]) for text in texts for at in range(len(text) - n + 1))
        for n in range(1, ORDER + 1)
    ]
    followed: list[Counter] = [Counter() for _ in range(ORDER)]
    followers: list[Counter] = [Counter() for _ in range(ORDER)]
    for n in range(1, ORDER):
        for gram, count in counts[n].items():
            followed[n - 1][gram[:-1]] += count
            followers[n - 1][gram[:-1]] += 1
    return counts, followed, followers, sum(map(len, texts))


def _gained(model: tuple[list[Counter], list[Counter], list[Counter], int], tokens: Sequence[str]) -> int:
    counts, followed, followers, total = model
    types, gained = len(counts[0]), 0
    for at, word in enumerate(tokens):
        alone = chance = (counts[0].get((word,), 0) + types / (types + 1)) / (total + types)
        for n in range(1, min(ORDER, at + 1)):
            context = tuple(tokens[at - n : at])
            times = followed[n - 1].get(context, 0)
            if not times:
                break  # what was never followed leaves the chance as it is, and so does every longer context
            different = followers[n - 1][context]
            chance = (counts[n].get((*context, word), 0) + different * chance) / (times + different)
        gained += round(max(log(chance) - log(alone) - LEAST_GAIN, 0) * GRAIN)
    return gained


def _containment(tokens: Sequence[str], holders: Mapping[tuple[str, ...], set[int]]) -> float:
    telling = [shingle for shingle in _shingles(tokens) if len(holders.get(shingle, ())) <= COMMON]
    shared = Counter(number for shingle in telling for number in holders.get(shingle, ()))
    return round(max(shared.values(), default=0) / max(1, len(telling)) * 1e6) / 1e6


def _auc(train: Sequence[float], holdout: Sequence[float]) -> float:
    """Share of pairs in which train is above, ties half."""
    counts = Counter(holdout)
    above, places, seen = 0.0, {}, 0
    for score in sorted({*train, *holdout}):
        places[score] = seen + counts[score] / 2
        seen += counts[score]
    above = sum(places[score] for score in train)
    return above / len(train) / len(holdout)


def diversity(arms: Arms) -> Metrics:
    """Exact and near-duplicates inside the release, `distinct_1` to `_3`, and the divergence of labels."""
    notes = arms["synthetic"]
    texts = [words(note.text) for note in notes]
    seen: dict[tuple[str, ...], int] = Counter(map(tuple, texts))
    metrics = {"exact_duplicates": sum(count - 1 for count in seen.values()) / len(notes)}
    metrics["near_duplicates"] = _near_duplicates([_shingles(tokens) for tokens in texts])
    for n in (1, 2, 3):
        grams = [tuple(tokens[at : at + n]) for tokens in texts for at in range(len(tokens) - n + 1)]
        metrics[f"distinct_{n}"] = len(set(grams)) / max(1, sum(map(len, texts)))
    metrics["label_divergence"] = _divergence(_labels(notes), _labels(arms["train"]))
    return metrics


def _near_duplicates(shingled: Sequence[set[tuple[str, ...]]]) -> float:
    holders, like = defaultdict(list), set()
    for number, shingles in enumerate(shingled):
        shared = Counter(other for shingle in shingles for other in holders[shingle])
        for other, count in shared.items():
            if count / (len(shingles) + len(shingled[other]) - count) >= 0.8:
                like |= {number, other}
        for shingle in shingles:
            holders[shingle].append(number)
    return len(like) / len(shingled)


def _labels(notes: Iterable[Note]) -> Counter[str]:
    return Counter(span.label for note in notes for span in note.spans)


def _divergence(one: Counter[str], other: Counter[str]) -> float:
    """Jensen and Shannon's, in bits."""
    total = 0.0
    for label in one.keys() | other.keys():
        p, q = one[label] / one.total(), other[label] / other.total()
        total += sum(x * log2(2 * x / (p + q)) for x in (p, q) if x) / 2
    return total


ORACLES: Mapping[str, Callable[[Arms], Metrics]] = {
    "verbatim": verbatim,
    "near_duplicate": near_duplicate,
    "pii_replay": pii_replay,
    "linkage": linkage,
    "membership": membership,
    "diversity": diversity,
}


def read(path: Path) -> list[Note]:
    """The notes of a JSONL file that this project wrote."""
    records = (json.loads(line) for line in path.open(encoding="utf-8"))
    return [Note(**{**record, "spans": tuple(Span(**span) for span in record["spans"])}) for record in records]


def main() -> None:
    """Runs them and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", nargs=3, type=Path, metavar="FILE")
    parser.add_argument("--only", default=",".join(ORACLES))
    options = parser.parse_args()
    arms = dict(zip(("synthetic", "train", "holdout"), map(read, options.arms), strict=True))
    told: dict[str, object] = {}
    for name in options.only.split(","):
        began = time.process_time()
        told[name] = {"seconds": 0.0, "metrics": ORACLES[name](arms)}
        told[name]["seconds"] = time.process_time() - began  # type: ignore[index]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
