"""Somebody hears of the cost before the month is over."""

from typing import Any

import pytest

pytestmark = pytest.mark.engine


def test_the_month_is_watched_at_80_and_100_percent_and_as_forecast(plan: Any, stack: str) -> None:
    budget = plan.one("aws:budgets/budget:Budget")
    steps = [
        (each["threshold"], each["notificationType"]) for each in budget.inputs["notifications"]
    ]

    assert (
        budget.inputs["limitAmount"]
        == {"local": "10", "staging": "250", "production": "400"}[stack]
    )
    assert budget.inputs["timeUnit"] == "MONTHLY"
    assert budget.inputs["costTypes"]["includeCredit"] is False
    assert steps == [(80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED")]


def test_the_budget_tells_a_topic_that_somebody_reads_and_may_be_encrypted_for(plan: Any) -> None:
    budget = plan.one("aws:budgets/budget:Budget")
    topic = plan.one("aws:sns/topic:Topic", "warning")
    subscription = plan.one("aws:sns/topicSubscription:TopicSubscription", "warning")
    (publish,) = [
        each
        for each in plan.one("aws:kms/key:Key", "messaging").document("policy")
        if each["Sid"] == "PublishAlarms"
    ]

    assert budget.depends_on["notifications"] == (topic.urn,)
    assert subscription.depends_on["topic"] == (topic.urn,)
    assert "budgets.amazonaws.com" in publish["Principal"]["Service"]
