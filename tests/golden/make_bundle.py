"""Makes the bundles of the first format that every later version has to verify. Run once; they never change.

    PYTHONPATH=tests python tests/golden/make_bundle.py FOLDER

The keys are made for it and kept nowhere. `bundle-1` has copies in BRAT, `bundle-1-waived` passes by a waiver;
`bundle-1-trust.yaml` verifies both at `NOW` of `made.bundles`.
"""

import shutil
import sys
from pathlib import Path

from made.bundles import NOW, Plan, approval_line, make_bundle, signer, trust_of, waived_plan

from deidrelease.bundle.layout import ATTESTATIONS
from deidrelease.bundle.verification import verify
from deidrelease.signing.trust import trust_document


def main() -> None:
    """Makes both, and the trust policy."""
    place = Path(sys.argv[1])
    for name in ("bundle-1", "bundle-1-waived"):
        shutil.rmtree(place / name, ignore_errors=True)
    plain = make_bundle(place / "bundle-1", Plan(copies=("brat",)))
    waived = make_bundle(place / "bundle-1-waived", waived_plan())
    with (waived / ATTESTATIONS).open("ab") as stream:
        stream.write(approval_line(waived, signer("approver"), outcome="pass-with-waivers") + b"\n")
    trust = trust_document(trust_of(), "For the bundles of the first format. Their keys were made for them alone.")
    (place / "bundle-1-trust.yaml").write_text(trust, encoding="utf-8")
    for bundle in (plain, waived):
        found = verify(bundle, trust_of(), NOW, None)
        if not found.ok:
            sys.exit(str(found.failures))


if __name__ == "__main__":
    main()
