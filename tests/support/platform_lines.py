"""The lines of `platform/infra` that security rests on, each with a mutation that gives it up."""

from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "platform" / "infra"
FILE = ROOT / "tests" / "mutation" / "platform_lines.yaml"


@dataclass(frozen=True, kw_only=True)
class SecurityLine:
    """`text` occurs once in `file`; the mutation puts `instead` there.

    `why` says what is lost, `survives` why nothing notices where that is known.
    """

    file: str
    text: str
    instead: str
    why: str
    survives: str = ""

    @property
    def path(self) -> Path:
        """The module."""
        return INFRA / self.file

    @property
    def module(self) -> str:
        """Its name to Python."""
        return "infra." + self.file.removesuffix(".py").replace("/", ".")

    @property
    def occurrences(self) -> int:
        """How often the text occurs in the module: a mutation wants once."""
        return self.path.read_text(encoding="utf-8").count(self.text)

    def mutated(self) -> str:
        """The module's source after the mutation. Raises LookupError when the line has changed."""
        if self.occurrences != 1:
            raise LookupError(f"{self.file} has {self.occurrences} times: {self.text}")
        return self.path.read_text(encoding="utf-8").replace(self.text, self.instead)


def security_lines() -> list[SecurityLine]:
    """Every listed line."""
    entries = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [SecurityLine(**entry) for entry in entries]
