"""Plans: rows of tables, and the secrets that are known before anything is published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow.ir import ops
from sipflow.ir.expr import Apply, Binary, Env, Expr, Literal, Name, Quantity, Secret, Template, Unit
from sipflow.ir.graph import Agent, Auth, Graph, Lane, Node, Scenario
from sipflow.plan.evaluate import NoValueError, evaluate, evaluate_text
from sipflow.plan.plan import make_plan
from sipflow.redaction import Redactor

ROWS = {"users": {"number": "1001", "name": "Ann"}}
ENVIRONMENT = {"PASSWORD": "hunter2", "PIN": "4711"}


def name(*parts: str) -> Name:
    return Name(parts)


def graph(op: ops.Op | None = None, *variables: ops.Let, agent: Agent | None = None) -> Graph:
    node = Node("a.1", "a", "a", op or ops.End())
    return Graph(Scenario(), (agent or Agent("a"),), (Lane("a", "a", "a.1"),), (node,), variables)


def hidden(program: Graph, text: str, **settings: object) -> str:
    """`text` as the outputs of a run of `program` would show it."""
    return make_plan(program, environment=ENVIRONMENT, rows=ROWS, **settings).redactor.text(text)  # type: ignore[arg-type]


def test_a_cell_of_a_row_is_text_for_agents_and_lanes() -> None:
    agent = Agent("a", number=Template((name("users", "number"),)))
    plan = make_plan(graph(ops.Log(name("users", "name")), agent=agent), rows=ROWS)
    assert plan.agents["a"].user == "1001"
    assert evaluate(name("users", "name"), plan.scope("a")) == "Ann"


@pytest.mark.parametrize("missing", [name("users", "colour"), name("others", "number"), name("users")])
def test_a_column_that_is_not_there_has_no_value(missing: Name) -> None:
    with pytest.raises(NoValueError):
        evaluate(missing, make_plan(graph(), rows=ROWS).scope())


@pytest.mark.parametrize(
    "program",
    [
        graph(ops.Log(Secret(Env("PASSWORD")))),
        graph(ops.Log(Template((Literal("a "), Secret(Env("PASSWORD")))))),
        graph(ops.Check(Binary("==", Literal("x"), Secret(Env("PASSWORD"))))),
        graph(ops.Log(Apply(name("length"), (Secret(Env("PASSWORD")),)))),
        graph(ops.If(Binary("==", Literal("x"), Secret(Env("PASSWORD"))))),
        graph(ops.Choose((ops.Arm(ops.ExpectRequest("INFO", Binary("==", name("body"), Secret(Env("PASSWORD"))))),))),
        graph(ops.SendRequest("INFO", extra=ops.With(headers=(("X", Secret(Env("PASSWORD"))),)))),
        graph(None, ops.Let("pw", Secret(Env("PASSWORD")))),
        graph(agent=Agent("a", auth=Auth(Literal("a"), Secret(Env("PASSWORD"))))),
        graph(agent=Agent("a", headers=(("X", Secret(Env("PASSWORD"))),))),
    ],
)
def test_a_secret_is_known_before_the_first_lane_begins(program: Graph) -> None:
    program = replace(program, nodes=tuple(replace(node, arms=()) for node in program.nodes))
    assert hidden(program, "hunter2") == "***"


def test_a_secret_of_a_row_or_a_variable_is_known() -> None:
    assert hidden(graph(ops.Log(Secret(name("users", "number")))), "1001") == "***"
    assert hidden(graph(ops.Log(Secret(name("pw"))), ops.Let("pw", Env("PASSWORD"))), "hunter2") == "***"
    assert hidden(graph(ops.Log(Secret(name("n"))), ops.Let("n", Literal(1234.0))), "n is 1234") == "n is ***"


def test_what_the_command_line_puts_in_the_place_of_a_secret_is_one() -> None:
    program = graph(None, ops.Let("pw", Secret(Literal("default"))), ops.Let("plain", Literal("x")))
    assert hidden(program, "swordfish open", overrides={"pw": "swordfish", "plain": "open"}) == "*** open"


def test_a_random_secret_is_the_one_that_is_used() -> None:
    drawn = Secret(Apply(name("random"), (Literal(1.0), Literal(1e6))))
    plan = make_plan(graph(ops.Log(name("pin")), ops.Let("pin", drawn)), seed=7)
    assert plan.redactor.text(evaluate_text(name("pin"), plan.scope("a"))) == "***"
    others = [str(number) for number in range(1_000_000, 1_001_000)]
    assert [plan.redactor.text(other) for other in others] == others


def test_a_secret_that_only_a_lane_knows_stops_nothing_and_is_known_then() -> None:
    plan = make_plan(graph(ops.Log(Secret(name("pin")))))
    assert plan.redactor.text("4711") == "4711"
    scope = plan.scope("a")
    scope.variables = {"pin": "4711"}
    assert evaluate_text(Secret(name("pin")), scope) == "4711"
    assert plan.redactor.text("4711") == "***"


@pytest.mark.parametrize("broken", [Binary("+", name("pw"), Literal(Quantity(5, Unit.MILLISECOND))), name("nothing")])
def test_secrets_are_known_though_the_plan_fails(broken: Expr) -> None:
    """The text of the failure may have the secret in it."""
    redactor = Redactor()
    variables = (ops.Let("pw", Env("PASSWORD")), ops.Let("x", Binary("-", name("pw"), broken)))
    with pytest.raises(NoValueError) as raised:
        make_plan(graph(ops.Log(Secret(name("pw"))), *variables), environment=ENVIRONMENT, redactor=redactor)
    assert "hunter2" not in redactor.text(str(raised.value))
    assert redactor.text("hunter2") == "***"


def test_neither_the_environment_nor_rows_stand_in_the_repr_of_a_plan() -> None:
    plan = make_plan(graph(), environment=ENVIRONMENT, rows=ROWS)
    assert "hunter2" not in repr(plan) and "Ann" not in repr(plan)
