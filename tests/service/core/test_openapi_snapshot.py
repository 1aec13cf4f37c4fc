"""The committed OpenAPI document is the one that is served: review sees what an API change is."""

import importlib
import json
import pkgutil
from collections import defaultdict
from enum import Enum
from pathlib import Path

from pydantic import BaseModel

import budgetbuddy
from budgetbuddy.openapi import rendered_document

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_committed_document_is_the_generated_one() -> None:
    is_current = COMMITTED.read_text(encoding="utf-8") == rendered_document()

    assert is_current, "run: .venv/bin/python -m budgetbuddy.openapi > docs/openapi.json"


def test_no_two_models_of_the_document_share_a_name() -> None:
    """Of two models of one name the document holds one, and clients read both answers as it."""
    named: dict[str, set[str]] = defaultdict(set)
    for module in pkgutil.walk_packages(budgetbuddy.__path__, "budgetbuddy."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseModel | Enum):
                named[value.__name__].add(value.__module__)
    components = json.loads(rendered_document())["components"]["schemas"]

    assert components
    assert {name: named[name] for name in components if len(named[name]) > 1} == {}
