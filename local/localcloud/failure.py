"""The one exception a command of the local cloud ends with."""

from __future__ import annotations


class LocalCloudError(Exception):
    """What failed, why, and what to do about it. Ends the command, never in a traceback."""

    def __init__(self, what: str, *, why: str, remedy: str, exit_code: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.exit_code = exit_code
