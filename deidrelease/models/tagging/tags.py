"""Between spans over characters and BIO tags over tokens.

Tag 0 is `O`; label i of the sorted labels has `B` at 2i+1 and `I` at 2i+2, and everything here relies on that order.
"""

from collections.abc import Sequence

from deidrelease.notes import Span

OUTSIDE = 0
Offsets = Sequence[tuple[int, int]]


def tag_names(labels: Sequence[str]) -> list[str]:
    """`O`, then `B-` and `I-` of each label, in tag order."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in ("B", "I"))]


def labels_of(names: Sequence[str]) -> list[str]:
    """The labels behind `tag_names`.

    Raises:
        ValueError: `names` is not in the order of `tag_names`.
    """
    labels = [name[2:] for name in names[1::2]]
    if tag_names(labels) != list(names):
        raise ValueError("tags are not O, B-x, I-x, B-y, I-y, … in that order")
    return labels


def clean(text: str, offsets: Offsets) -> list[tuple[int, int]]:
    """Token offsets that never overlap and hold no white space at their edges, which many tokenizers count in.

    Tokens that are all white space become empty, and so do all but the first of the tokens that share one character.
    """
    cleaned, reached = [], 0
    for start, end in offsets:
        start = max(start, reached)
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        reached = max(reached, end)
        cleaned.append((start, max(start, end)))
    return cleaned


def tags_for(spans: Sequence[Span], offsets: Offsets, labels: Sequence[str]) -> list[int]:
    """The tag of each token: that of the first span which shares a character with it.

    Args:
        spans: Sorted; of overlapping ones the first wins where they meet.
        offsets: As `clean` gives them. An empty token inside a span continues it.
        labels: Sorted labels of the tagger.
    """
    index = {label: i for i, label in enumerate(labels)}
    tags = [OUTSIDE] * len(offsets)
    first = 0
    for span in spans:
        while first < len(offsets) and offsets[first][1] <= span.start:
            first += 1
        token, begun = first, False
        while token < len(offsets) and offsets[token][0] < span.end:
            start, end = offsets[token]
            touches = end > span.start if start < end else begun
            if touches and tags[token] == OUTSIDE:
                tags[token] = 2 * index[span.label] + (2 if begun else 1)
                begun = True
            token += 1
    return tags


def spans_from(tags: Sequence[int], offsets: Offsets, labels: Sequence[str]) -> list[Span]:
    """The spans that valid BIO `tags` stand for; empty tokens neither end nor extend one."""
    spans: list[Span] = []
    start, end, label = 0, 0, -1
    for tag, (token_start, token_end) in zip(tags, offsets, strict=True):
        if token_start == token_end:
            continue
        if tag != OUTSIDE and tag % 2 == 0 and label == (tag - 2) // 2:
            end = token_end
            continue
        if label >= 0:
            spans.append(Span(start, end, labels[label]))
        start, end, label = token_start, token_end, -1 if tag == OUTSIDE else (tag - 1) // 2
    if label >= 0:
        spans.append(Span(start, end, labels[label]))
    return spans


def unreachable(spans: Sequence[Span], offsets: Offsets) -> int:
    """How many `spans` no tagging of these tokens can reproduce, because an edge lies inside a token."""
    starts = {start for start, end in offsets if start < end}
    ends = {end for start, end in offsets if start < end}
    return sum(span.start not in starts or span.end not in ends for span in spans)
