"""How the tests are shared out between processes, and what no test depends on: speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

# Their session fixtures are costly (a local cloud, previews of each stack): one process each.
SHARED = ("e2e", "pipelines", "platform")

# A busy machine is no counterexample.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Keep a file, or a directory with a shared fixture, together in one process."""
    root = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(root)
        group = path.parts[0] if path.parts[0] in SHARED else str(path)
        item.add_marker(pytest.mark.xdist_group(group))
