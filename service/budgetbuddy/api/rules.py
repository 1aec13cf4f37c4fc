"""`/rules`: what is done to transactions by themselves."""

from collections.abc import Sequence

from flask import Response

from budgetbuddy.api._http import (
    answer,
    empty,
    expected_version,
    json_response,
    listed,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._rule_models import RuleChange, RuleInput, RulePath
from budgetbuddy.api._rule_run_models import Application, DryRunInput, RuleDryRunView, RuleOrder
from budgetbuddy.api._rule_views import RuleList, RuleView
from budgetbuddy.api.jobs import JobView
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.categories import CategoryArchived
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.rules import Rule, RulesChanged
from budgetbuddy.domain.transactions import CardNumberDetected, require_no_card_number
from budgetbuddy.problems import LimitReached, NotFound

routes = Routes("rules", "/api/v1/rules", area="planning")
READ, WRITE = scope("transactions:read"), scope("transactions:write")


@routes.get("", access=READ, returns={200: RuleList})
def list_rules() -> Response:
    """List all rules in their order."""
    return listed(RuleView.of(rule) for rule in services().rules.list(principal().user))


@routes.post(
    "",
    access=WRITE,
    returns={201: RuleView},
    problems=(NotFound, LimitReached, CategoryArchived, CardNumberDetected),
    idempotency="I",
)
def create_rule(body: RuleInput) -> Response:
    """Create a rule, the last in the order. New and imported transactions get it at once."""
    require_no_card_number(body.texts())
    render = rendered(RuleView.of, status=201, location="/api/v1/rules/{id}")
    return answer(render, services().rules.add, body.rule(make_id(Kind.RULE)))


@routes.put(
    "/order",
    access=WRITE,
    returns={200: RuleList},
    problems=(RulesChanged,),
    idempotency="I",
)
def order_rules(body: RuleOrder) -> Response:
    """Put all rules in another order."""
    render = rendered(_list, versioned=False)
    return answer(render, services().rules.order, body.rule_ids)


@routes.post(
    "/dry-run",
    access=WRITE,
    returns={200: RuleDryRunView},
    problems=(NotFound, CardNumberDetected),
)
def try_rules(body: DryRunInput) -> Response:
    """Try rules on transactions of the past; nothing is written."""
    user = principal().user
    if body.rule is not None:
        require_no_card_number(body.rule.texts())
        rules: Sequence[Rule] = [body.rule.rule(make_id(Kind.RULE))]
    else:
        rules = _chosen(body.rule_ids)
    found = services().rule_runs.dry_run(user, rules, body.wanted(), limit=body.limit)
    return json_response(RuleDryRunView.of(found))


@routes.post(
    "/apply",
    access=WRITE,
    returns={202: JobView},
    problems=(NotFound, CategoryArchived),
    idempotency="I!",
)
def apply_rules(body: Application) -> Response:
    """Apply rules to transactions of the past.

    The work is done before the answer, so the job of the 202 has succeeded already.
    """
    render = rendered(JobView.of, status=202, location="/api/v1/jobs/{id}", versioned=False)
    return answer(
        render,
        services().rule_runs.apply,
        _chosen(body.rule_ids),
        body.wanted(),
        overwrite=body.overwrite_manual,
    )


@routes.get("/<ruleId>", access=READ, returns={200: RuleView}, problems=(NotFound,))
def show_rule(path: RulePath) -> Response:
    """Show one rule."""
    rule = services().rules.get(principal().user, path.rule_id)
    return shown(RuleView.of(rule), version=rule.version)


@routes.patch(
    "/<ruleId>",
    access=WRITE,
    returns={200: RuleView},
    problems=(NotFound, CategoryArchived, CardNumberDetected),
    if_match=True,
    idempotency="I",
)
def change_rule(path: RulePath, body: RuleChange) -> Response:
    """Change a rule; absent fields stay, and so does its place in the order."""
    require_no_card_number(body.texts())
    return answer(
        rendered(RuleView.of),
        services().rules.change,
        path.rule_id,
        expected_version(),
        body.fields(),
    )


@routes.delete(
    "/<ruleId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound,),
    if_match=True,
    idempotency="I",
)
def delete_rule(path: RulePath) -> Response:
    """Delete a rule; what it has done stays."""
    return answer(empty, services().rules.remove, path.rule_id, expected_version())


def _chosen(rule_ids: Sequence[str] | None) -> Sequence[Rule]:
    """The rules asked for in their order, all by default; raises `NotFound`."""
    rules = services().rules.list(principal().user)
    if rule_ids is None:
        return rules
    if not set(rule_ids) <= {rule.id for rule in rules}:
        raise NotFound
    return [rule for rule in rules if rule.id in rule_ids]


def _list(rules: Sequence[Rule]) -> RuleList:
    return RuleList(items=[RuleView.of(rule) for rule in rules])
