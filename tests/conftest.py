"""How the tests are shared out between processes, and what no test depends on: speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

# Their session fixtures are costly (a local cloud, previews of each stack): one process each.
SHARED = ("e2e", "pipelines", "platform")

# A busy machine is no counterexample.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


class BySharedFixture(LoadScopeScheduling):
    """Keeps a file, or a directory with a shared fixture, together in one process.

    xdist's own groups have no effect with pytest 9: it no longer reads the node id they change.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        area = file.removeprefix("tests/").partition("/")[0]
        return area if area in SHARED else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> BySharedFixture:
    """The scheduler above, whatever `--dist` says."""
    return BySharedFixture(config, log)
