"""How the secret of a key is written: `tl_<prefix>_<random>_<checksum>`. What is stored of it is `peppers.py`'s.

The prefix is shown in lists. The checksum tells a typo, and a scanner that looks for leaked secrets, without a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zlib import crc32

from app.core.ids import random_text

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FORM = re.compile("(tl_[0-9a-z]{8})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})")
# Keys of earlier releases: no prefix, no checksum.
_EARLIER = re.compile("tl_[0-9A-Za-z_-]{43}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of today's form. Its text is in no repr."""

    prefix: str
    random: str

    @property
    def text(self) -> str:
        """The secret as it is shown once."""
        return f"{self.prefix}_{self.random}_{checksum(f'{self.prefix}_{self.random}')}"

    def __repr__(self) -> str:
        return f"Secret({self.prefix!r}, …)"


def new_secret() -> Secret:
    """Return a secret with 256 bits of chance."""
    return Secret(f"tl_{random_text(PREFIX_LETTERS, 8)}", random_text(LETTERS, 43))


def read_secret(text: str) -> Secret | None:
    """Return the secret that a text is, or None where its form or its checksum is off.

    >>> read_secret(new_secret().text) is not None
    True
    >>> read_secret("tl_ab12cd34_" + "x" * 43 + "_000000") is None
    True
    """
    found = _FORM.fullmatch(text)
    if found is None or found[3] != checksum(f"{found[1]}_{found[2]}"):
        return None
    return Secret(found[1], found[2])


def is_of_earlier_release(text: str) -> bool:
    """Tell whether a text has the form of the keys of earlier releases."""
    return _EARLIER.fullmatch(text) is not None


def checksum(text: str) -> str:
    """Return the CRC-32 of a text as six letters: it differs wherever one letter, or two neighbours, do."""
    number, letters = crc32(text.encode()), ""
    for _ in range(6):
        number, place = divmod(number, len(LETTERS))
        letters = LETTERS[place] + letters
    return letters
