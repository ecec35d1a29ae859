"""Static bearer tokens from a CSV file: token,user,uid,"group1,group2".

Source: kubernetes/apiserver pkg/authentication/token/tokenfile/tokenfile.go.
"""

from __future__ import annotations

import csv
import hmac
from typing import TYPE_CHECKING

from apiserver.authn.user import UserInfo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["TokenFile"]


class TokenFile:
    """The tokens of one file, read once at start."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._users: dict[str, UserInfo] = {}
        for number, row in enumerate(csv.reader(lines), start=1):
            if not row or row[0].startswith("#"):
                continue
            if len(row) < 3:
                raise ValueError(
                    f"token file line {number}: expected at least 3 columns"
                    f" (token, user name, user uid), found {len(row)}"
                )
            groups = row[3].split(",") if len(row) > 3 and row[3] else []
            user = UserInfo(row[1], tuple(g.strip() for g in groups), row[2])
            self._users[row[0]] = user

    @classmethod
    def read(cls, path: Path) -> TokenFile:
        with path.open(newline="", encoding="utf-8") as lines:
            return cls(lines)

    def authenticate(self, token: str) -> UserInfo | None:
        # Every token is compared, in constant time each, so that the time taken
        # says nothing about how much of a guess was right.
        found = None
        for known, user in self._users.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                found = user
        return found
