"""`deidrelease bundle`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from deidrelease.bundle.about import About
    from deidrelease.bundle.collecting import Material
    from deidrelease.bundle.request import Request
    from deidrelease.notes import Corpus

BLOCKED = 4
_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("run", required=False, type=_FOLDER)
@click.option("--out", required=True, metavar="DIR", type=_PATH, help="Folder to write; must be new.")
@click.option("--key", metavar="PEM|URI", help="Private key with the role release; a file, an HSM or a KMS.")
@click.option("--public", metavar="PEM", type=_FILE, help="Public half of the key; needed with a URI.")
@click.option("--draft", is_flag=True, help="Unsigned and watermarked, whatever the verdict; verifies nowhere.")
@click.option("--policy", metavar="NAME|FILE", help="What judges; that of the run's gate by default.")
@click.option("--waivers", metavar="FILE", type=_FILE, help="Signed waivers; need --trust.")
@click.option("--trust", metavar="FILE", type=_FILE, help="Trust policy whose keys may sign waivers.")
@click.option("--about", "about_file", metavar="FILE", type=_FILE, help="YAML with a section `release`: what it is.")
@click.option("--dataset", metavar="SLUG", help="Name under which releases of one data set count on.")
@click.option("--title", help="One line.")
@click.option("--description", help="What it is, in the publisher's words.")
@click.option("--recipient", help="Who it is for; `verify` may insist on it.")
@click.option("--publisher", help="Who answers for it.")
@click.option("--contact", help="Where to write to, above all when something private is found.")
@click.option("--licence", metavar="SPDX", help="SPDX identifier, or proprietary.")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="Of the notes, as es; may be given again.")
@click.option("--valid-days", type=click.IntRange(min=1), help="As long as the policy lets, by default.")
@click.option("--previous", metavar="BUNDLE", type=_PATH, help="The release before: folder, ZIP or manifest.json.")
@click.option("--data", default="jsonl", show_default=True, metavar="A,B", help="jsonl, and copies: brat, parquet.")
@click.option("--zip", "archive", metavar="FILE", type=_FILE, help="Also pack it, stored, with fixed times.")
@click.option("--notes", metavar="PATH", type=_PATH, help="Without RUN: the synthetic notes that were audited.")
@click.option("--result", metavar="FILE", type=_FILE, help="Without RUN: the result.json of that audit.")
@click.option("--private", "train", metavar="PATH", type=_PATH, help="Without RUN: TRAIN of that audit.")
@click.option("--holdout", metavar="PATH", type=_PATH, help="Without RUN: the hold-out of that audit.")
@click.option("--labels", metavar="MAP", help="Without RUN: what the private labels mean.")
@click.option(
    "--site-key", metavar="FILE", type=_FILE, help="Without RUN: the site's key; beside the result otherwise."
)
@click.option("--tagger", metavar="FOLDER", type=_FOLDER, help="Without RUN: the detector that the audit had, if any.")
@click.option("--from", "private_format", default="auto", show_default=True, help="Format of the private notes.")
@click.option("--patients", default="recorded", show_default=True, help="recorded, note, field:…, file:… or table:…")
@click.option("--synthetic-from", default="auto", show_default=True, help="Format of the notes.")
@click.option("--synthetic-patients", default="note", show_default=True, help="As --patients, for the notes.")
@click.pass_context
def bundle(context: click.Context, /, **given: Any) -> None:
    r"""Pack the synthetic notes of the finished RUN for a recipient, search every file for the private ones, and sign.

    The policy judges anew; what it blocks cannot be signed. Of RUN only what is marked releasable is taken. Then every
    file of the bundle but the notes' texts, which the audits have judged, is searched for eight words in a row and for
    direct identifiers of any private note, those of the hold-out and of development included. One hit ends it, and is
    told by the name of the file: look at your title, description, contact or policy.

    Nothing appears at DIR unless all of it went well. The bundle holds the notes, the audits' result, the policy, the
    verdict, a report to read, a dataset card, a Croissant file, receipts, a lock file and licences; `verify` checks it.
    Where the policy asks for approvals, people give them next, each with a key of their own: `deidrelease approve`.

    What it is can be said by options or in a file for --about:

    \b
      release:
        dataset: ward-notes-es
        title: Synthetic ward notes
        description: Invented notes for work on de-identification.
        recipient: Example University, NLP group
        publisher: Example Hospital
        contact: releases@hospital.example
        licence: CC-BY-4.0
        languages: [es]

    \b
    Examples:
      deidrelease bundle runs/mine --key keys/release/private.pem --about about.yaml --out release-1
      deidrelease bundle runs/mine --key hsm:2 --public release.pem --about about.yaml --previous release-1 \
        --data jsonl,brat,parquet --zip release-2.zip --out release-2
      deidrelease bundle runs/mine --draft --out draft
      deidrelease bundle --notes synthetic.jsonl --result audit/result.json --private train.jsonl \
        --holdout holdout.jsonl --labels meddocan --policy research --key k.pem --about about.yaml --out release-1

    Exit codes: 0 made; 4 blocked, by the policy or by something private in a file; 3 something that you can mend.
    """
    from deidrelease.bundle.archive import refuse_other, write_archive
    from deidrelease.bundle.making import Refused, make
    from deidrelease.cli.bundle_display import show_made, show_refused
    from deidrelease.cli.display import shown_progress
    from deidrelease.contracts import installed_file_scan

    _check_usage(given)
    if given["archive"]:
        refuse_other(given["archive"], None)
    signer = _signer(given)
    scan = installed_file_scan()
    with _material(given) as (material, defaults), shown_progress():
        request = _request({**defaults, **{name: value for name, value in given.items() if value}})
        outcome = make(material, request, signer, scan, given["out"], _recorder(given, material, request))
    if isinstance(outcome, Refused):
        show_refused(outcome, request.waivers.justifications)
        context.exit(BLOCKED)
    if given["archive"]:
        write_archive(given["out"], given["archive"])
    show_made(outcome, given["archive"])


def _recorder(given: dict[str, Any], material: "Material", request: "Request") -> Callable[[], None]:
    """Writes the release of a run into the ledger of its corpus; of notes from elsewhere no ledger is known."""
    if given["run"] is None:
        return lambda: None
    from deidrelease.models.private.accounts import account_of
    from deidrelease.release import recorded_config

    account = account_of(recorded_config(given["run"]))
    return lambda: account.release(request.release_id, promised=material.differential_privacy is not None)


def _check_usage(given: dict[str, Any]) -> None:
    needed = ("notes", "result", "train", "labels", "policy")
    if given["run"] is None and (missing := [name for name in needed if not given[name]]):
        names = ", ".join(f"--{ {'train': 'private'}.get(name, name) }" for name in missing)
        raise click.UsageError(f"name a RUN; or, for notes from elsewhere, also {names}")
    alone = ("notes", "result", "train", "holdout", "labels", "site_key", "tagger")
    if given["run"] is not None and any(given[name] for name in alone):
        raise click.UsageError("RUN says which notes and which result: leave --notes, --result and their like out")
    if given["draft"] == bool(given["key"]):
        raise click.UsageError("give --key to sign, or --draft for a folder that nobody can use; not both")
    if given["waivers"] and not given["trust"]:
        raise click.UsageError("--waivers needs --trust: waivers count only when a trusted key signed them")
    if given["archive"] and given["draft"]:
        raise click.UsageError("a draft is not packed: it is not for sending")


def _signer(given: dict[str, Any]) -> Any:
    if given["draft"]:
        return None
    from deidrelease.cli.key import asked_passphrase
    from deidrelease.signing.key_files import open_signer

    return open_signer(given["key"], asked_passphrase, given["public"])


@contextmanager
def _material(given: dict[str, Any]) -> Iterator[tuple["Material", dict[str, Any]]]:
    """What to release, and what its run says where no option does."""
    if given["run"] is None:
        yield _from_audit(given), {}
        return
    from deidrelease import artifacts, release

    config = release.recorded_config(given["run"])
    defaults = {name: getattr(config.gate, name) for name in ("policy", "waivers", "trust")}
    with artifacts.locked(given["run"]):
        yield release.material_of(given["run"]), defaults


def _from_audit(given: dict[str, Any]) -> "Material":
    from deidrelease.bundle.collecting import from_audit
    from deidrelease.errors import BundleError, Problem
    from deidrelease.keys import load_or_make_key
    from deidrelease.labels import load_label_map

    key_file: Path = given["site_key"] or given["result"].parent / "site.key"
    if not key_file.is_file():
        problem = Problem(str(key_file), "is not there", "name the key that the audit was given: --site-key")
        raise BundleError("Without the site's key nobody can tell which corpora were audited.", [problem])
    arms = {"train": given["train"], "holdout": given["holdout"]}
    how = given["private_format"], given["patients"]
    return from_audit(
        _open(given["notes"], given["synthetic_from"], given["synthetic_patients"]),
        given["result"],
        {arm: _open(path, *how) for arm, path in arms.items() if path is not None},
        load_label_map(given["labels"]),
        load_or_make_key(key_file),
        given["tagger"],
    )


def _open(path: Path, name: str, patients: str) -> "Corpus":
    from deidrelease.formats import PatientSource, ReadOptions, open_corpus

    return open_corpus(path, name, ReadOptions(PatientSource.parse(patients)))


def _request(given: dict[str, Any]) -> "Request":
    import secrets
    from datetime import UTC, datetime

    from deidrelease.bundle.previous import read_previous
    from deidrelease.bundle.request import Request
    from deidrelease.policy import load_policy, raw_bytes
    from deidrelease.policy.judging import read_waivers

    now = datetime.now(UTC)
    waivers: Path | None = given.get("waivers")
    return Request(
        about=_about(given),
        policy=load_policy(given["policy"]),
        policy_file=raw_bytes(given["policy"]),
        waivers=read_waivers(waivers, given.get("trust"), now.date()),
        waivers_file=waivers.read_bytes() if waivers else b"[]",
        now=now,
        release_id=secrets.token_hex(16),
        valid_days=given.get("valid_days"),
        previous=read_previous(given["previous"]) if given.get("previous") else None,
        copies=_copies(given["data"]),
        draft=bool(given.get("draft")),
    )


def _about(given: dict[str, Any]) -> "About":
    from dataclasses import fields

    from deidrelease.bundle.about import About, load_about

    told: dict[str, Any] = {field.name: given[field.name] for field in fields(About) if given.get(field.name)}
    said = About(**told)
    filed = load_about(given["about_file"]) if given.get("about_file") else About()
    return said.over(filed).complete(draft=bool(given.get("draft")))


def _copies(told: str) -> Any:
    from deidrelease.bundle.shards import COPIES

    names = {name.strip() for name in told.split(",")}
    if unknown := sorted(names - {"jsonl", *COPIES}):
        raise click.UsageError(f"--data knows jsonl, {', '.join(COPIES)}, and not {', '.join(unknown)}")
    return frozenset(names - {"jsonl"})
