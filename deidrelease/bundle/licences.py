"""The licences that travel with a bundle: of the data, as the publisher names it, and of what made them."""

from collections.abc import Mapping

from deidrelease.bundle.about import About

_DATA = """\
The notes of this bundle are licensed by {publisher} under

    SPDX-License-Identifier: {licence}

{where}
Contact: {contact}

A licence says what may be done with the notes. It says nothing about whether they tell of a person: for that see the
report, and what it says it does not show. Whoever believes to recognise somebody in them is asked to tell the contact
above, and nobody else.
"""
_LISTED = "The text of the licence stands at https://spdx.org/licenses/{licence}.html .\n"
_PROPRIETARY = "That is: no licence is granted by this file. What the recipient may do is agreed with the publisher.\n"
_TOOL = """\
metadata/ and report/ were written by deidrelease, whose texts and templates in them are

    SPDX-License-Identifier: Apache-2.0
    http://www.apache.org/licenses/LICENSE-2.0

They come without warranty of any kind. That the tool is under this licence does not put the notes under it.
"""


def licence_files(about: About) -> Mapping[str, str]:
    """Path in the bundle to text."""
    where = _PROPRIETARY if about.licence == "proprietary" else _LISTED.format(licence=about.licence)
    data = _DATA.format(publisher=about.publisher, licence=about.licence, where=where, contact=about.contact)
    return {f"licences/DATA-{about.licence}.txt": data, "licences/deidrelease-Apache-2.0.txt": _TOOL}
