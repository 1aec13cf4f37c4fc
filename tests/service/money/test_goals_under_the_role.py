"""Goals, once more under the API's role: nothing is refused that the service needs."""

import pytest

from budgetbuddy.domain.services import Services

from .test_goals import *  # noqa: F403 - the same tests, with the fixture below


@pytest.fixture
def wired(restricted: Services) -> Services:
    """The services of these tests, as their role lets them be."""
    return restricted
