"""`metadata/croissant.json`: the release in Croissant 1.1 with the fields for responsible AI (MLCommons).

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from deidrelease.bundle import datasheet
from deidrelease.bundle.layout import CROISSANT
from deidrelease.bundle.release_document import ReleaseDocument

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
_LISTED = "https://spdx.org/licenses/{licence}.html"
_TERMS = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
    "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
    "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
_FIELDS = (
    ("note_id", "Unique in the corpus."),
    ("patient_id", "Of no real patient: whose notes belong together."),
    ("text", "The note."),
)


def croissant_document(
    release: ReleaseDocument, sizes: Mapping[str, int], digests: Mapping[str, str], *, made_by_run: bool
) -> dict[str, Any]:
    """The JSON-LD of a release.

    Args:
        release: What is released.
        sizes: Path in the bundle to bytes, of the shards at least.
        digests: Likewise to SHA-256.
        made_by_run: Whether the tool knows how the notes came about.
    """
    licence = release.licence
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": release.dataset,
        "alternateName": release.title,
        "description": release.description,
        "version": f"{release.sequence}.0.0",
        "license": licence if licence == "proprietary" else _LISTED.format(licence=licence),
        "inLanguage": release.languages,
        "datePublished": release.created[:10],
        "creator": {"@type": "sc:Organization", "name": release.publisher},
        "publisher": {"@type": "sc:Organization", "name": release.publisher},
        "url": f"urn:uuid:{_uuid(release.release_id)}",
        "citeAs": f"{release.publisher}: {release.title}, release {release.sequence} ({release.release_id}), "
        f"{release.created[:4]}",
        "isLiveDataset": False,
        "keywords": ["synthetic", "clinical notes", "de-identification"],
        **_responsible(release, *datasheet.collection(made_by_run)),
        "distribution": [_file(path, sizes[path], digests[path]) for path in release.data.shards],
        "recordSet": [_records(path, only=len(release.data.shards) == 1) for path in release.data.shards],
    }


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "name": {"@container": "@language"},
        "description": {"@container": "@language"},
        **{term: f"cr:{term}" for term in _TERMS},
    }


def _responsible(release: ReleaseDocument, collection: str, annotation: str) -> dict[str, Any]:
    return {
        "rai:dataCollection": collection,
        "rai:dataPreprocessingProtocol": [datasheet.PREPROCESSING],
        "rai:dataAnnotationProtocol": [annotation],
        "rai:machineAnnotationTools": [f"{release.tool.name} {release.tool.version}"],
        "rai:dataUseCases": list(datasheet.USES),
        "rai:dataBiases": [datasheet.BIASES],
        "rai:dataLimitations": [datasheet.LIMITATIONS, datasheet.NOT_FOR, datasheet.PASSING],
        "rai:dataSocialImpact": datasheet.SOCIAL,
        "rai:personalSensitiveInformation": [datasheet.PRIVACY, release.privacy.statement],
        "rai:dataReleaseMaintenancePlan": f"{datasheet.MAINTENANCE} Contact: {release.contact}",
    }


def _file(path: str, size: int, digest: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path.rpartition("/")[2],
        "contentUrl": "../" * CROISSANT.count("/") + path,
        "contentSize": f"{size} B",
        "encodingFormat": "application/jsonlines",
        "sha256": digest,
    }


def _records(path: str, *, only: bool) -> dict[str, Any]:
    name = "notes" if only else path.rpartition("/")[2].removesuffix(".jsonl")
    fields = [_field(name, path, column, "sc:Text", description) for column, description in _FIELDS]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": "A record is a note.",
        "key": {"@id": f"{name}/note_id"},
        "field": fields,
    }


def _field(records: str, path: str, column: str, kind: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column}",
        "name": column,
        "description": description,
        "dataType": kind,
        "source": {"fileObject": {"@id": path}, "extract": {"column": column}},
    }


def _uuid(release_id: str) -> str:
    cuts = (0, 8, 12, 16, 20, 32)
    return "-".join(release_id[start:end] for start, end in pairwise(cuts))
