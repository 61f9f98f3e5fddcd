"""The one owner of everything, as S3's answers describe owners."""

from __future__ import annotations

from veristack_lab.veristore.s3.xml import Children

OWNER_ID = "5e3a" * 16
"""A canonical user id has 64 hexadecimal digits. There are no accounts here."""
OWNER: tuple[str, Children] = ("Owner", [("ID", OWNER_ID)])
INITIATOR: tuple[str, Children] = ("Initiator", [("ID", OWNER_ID)])
"""The elements that name an upload's initiator and owner."""

_GRANTEE = 'Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
ACCESS: Children = [
    OWNER,
    (
        "AccessControlList",
        [("Grant", [(_GRANTEE, [("ID", OWNER_ID)]), ("Permission", "FULL_CONTROL")])],
    ),
]
"""The access list of something without one of its own: its owner has full control."""
