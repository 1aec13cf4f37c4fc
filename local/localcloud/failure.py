"""The one exception a command of the local cloud ends with."""

from __future__ import annotations


class LocalCloudError(Exception):
    """Something a person can act on: what failed, why, and what to do. Ends the command, never a traceback."""

    def __init__(self, what: str, *, why: str, remedy: str, exit_code: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.exit_code = exit_code
