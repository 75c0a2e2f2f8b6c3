"""Plans: rows of tables, and the secrets that are known before anything is published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow.ir import ops
from sipflow.ir.expr import Apply, Binary, Env, Expr, Literal, Name, Quantity, Secret, Template, Unit
from sipflow.ir.graph import Agent, Auth, Challenge, Graph, Lane, Listen, Node, Registrar, Scenario, SessionTimer, Tls
from sipflow.media_params import RtpFormat
from sipflow.plan.evaluate import NoValueError, evaluate, evaluate_text
from sipflow.plan.listens import ListenPlan
from sipflow.plan.plan import AgentPlan, formats_for, make_plan
from sipflow.plan.settings import ChallengePlan, Credentials, RegistrarPlan, SessionTimerPlan
from sipflow.plan.tls import TlsPlan
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


# --- settings of agents --------------------------------------------------------------------------------------------

PASSWORD = Secret(Env("PASSWORD"))


def seconds(value: float) -> Literal:
    return Literal(Quantity(1000 * value, Unit.MILLISECOND))


def planned(*agents: Agent) -> AgentPlan:
    """The plan of the first agent."""
    program = replace(graph(), agents=agents)
    return make_plan(program, environment=ENVIRONMENT, rows=ROWS).agents[agents[0].name]


def test_an_agent_of_which_nothing_is_said() -> None:
    plan = planned(Agent("a"))
    assert plan.listens == (ListenPlan("udp", "127.0.0.1", 0),)
    assert (plan.tls, plan.auth, plan.register_s, plan.session_timer) == (None, None, None, None)
    assert (plan.challenge, plan.registrar, plan.proxy, plan.proxy_agent) == (None, None, "", "")
    assert (plan.provisional, plan.hold_style) == ("supported", "direction")


def test_an_agent_listens_at_all_its_places() -> None:
    plan = planned(Agent("a", listens=(Listen("tcp", "::1", 5070), Listen("wss"))))
    assert plan.listens == (ListenPlan("tcp", "::1", 5070), ListenPlan("wss", "127.0.0.1", 0))
    assert (plan.host, plan.port) == ("::1", 5070)


def test_credentials_are_evaluated_and_kept_secret() -> None:
    program = graph(agent=Agent("a", auth=Auth(name("users", "number"), PASSWORD)))
    plan = make_plan(program, environment=ENVIRONMENT, rows=ROWS)
    assert plan.agents["a"].auth == Credentials("1001", "hunter2")
    assert plan.redactor.text("it is hunter2") == "it is ***"


def test_durations_are_in_seconds() -> None:
    plan = planned(Agent("a", register_every=seconds(300), session_timer=SessionTimer(seconds(1800), "local")))
    assert plan.register_s == 300
    assert plan.session_timer == SessionTimerPlan(1800, "local", 90)
    assert planned(Agent("a", session_timer=SessionTimer(seconds(120), least=seconds(100)))).session_timer == (
        SessionTimerPlan(120, "", 100)
    )


def test_certificates_are_named_as_in_the_scenario() -> None:
    tls = Tls(certificate=Literal("a.pem"), key=Literal("a.key"), verify=False, client_certificate_required=True)
    assert planned(Agent("a", tls=tls)).tls == TlsPlan("", "a.pem", "a.key", "", False, True)


def test_a_server_knows_its_realm_and_its_users() -> None:
    challenge = Challenge(Literal("r"), Literal("u"), PASSWORD, "sha256", "none")
    assert planned(Agent("a", challenge=challenge)).challenge == ChallengePlan("r", "u", "hunter2", "sha256", "none")
    registrar = Registrar(None, (Auth(Literal("u"), PASSWORD),), True, seconds(60))
    assert planned(Agent("pbx", registrar=registrar)).registrar == (
        RegistrarPlan("pbx", (Credentials("u", "hunter2"),), True, 60)
    )
    assert planned(Agent("pbx", registrar=Registrar(Literal("r")))).registrar == RegistrarPlan("r")


def test_a_proxy_is_an_address_or_an_agent_of_the_run() -> None:
    pbx, far = Agent("pbx", registrar=Registrar()), Agent("far", remote=True, uri=Literal("sip:far.example.com"))
    by_agent, by_name = planned(Agent("a", proxy_agent="pbx"), pbx), planned(Agent("a", proxy_agent="far"), far)
    assert (by_agent.proxy, by_agent.proxy_agent) == ("", "pbx")
    assert (by_name.proxy, by_name.proxy_agent) == ("sip:far.example.com", "")


def test_a_setting_without_a_value_is_no_plan() -> None:
    with pytest.raises(NoValueError):
        planned(Agent("a", auth=Auth(Literal("a"), Env("NOT_THERE"))))


def test_digits_are_offered_at_the_clock_of_each_codec() -> None:
    names = [f"{each.payload_type} {each.name}/{each.clock_rate}" for each in formats_for(("L16", "G722", "PCMA"))]
    audio = ["98 L16/16000", "99 L16/8000", "9 G722/8000", "8 PCMA/8000"]
    assert names == [*audio, "101 telephone-event/8000", "102 telephone-event/16000"]
    assert formats_for(("G722",), events=False) == (RtpFormat("G722", 9),)


def test_two_channels_of_opus_are_asked_for_by_its_parameters() -> None:
    plain, wide = (formats_for((name,), events=False)[0] for name in ("opus", "opus stereo"))
    assert "stereo" not in plain.fmtp
    assert wide == replace(plain, fmtp="stereo=1;sprop-stereo=1")  # RFC 7587 section 7.1


def test_comfort_noise_is_offered_behind_the_codecs_wherever_it_is_named() -> None:
    names = [each.name for each in formats_for(("CN", "PCMA"))]
    assert names == ["PCMA", "CN", "telephone-event"]
