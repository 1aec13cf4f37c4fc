"""What is said when a file cannot be judged."""


class UnusableInputError(Exception):
    """The input cannot be judged: what, why, and what to do about it."""

    def __init__(self, what: str, why: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
