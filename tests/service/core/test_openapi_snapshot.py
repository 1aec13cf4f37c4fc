"""The committed OpenAPI document is the one that is served: review sees what an API change is."""

from pathlib import Path

from budgetbuddy.openapi import rendered_document

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_committed_document_is_the_generated_one() -> None:
    is_current = COMMITTED.read_text(encoding="utf-8") == rendered_document()

    assert is_current, "run: .venv/bin/python -m budgetbuddy.openapi > docs/openapi.json"
