"""Statements: the syntax of each to its operation."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.ir import ops
from sipflow.ir.expr import Expr, Literal, Regex, Unit
from sipflow.ir.ops import Op
from sipflow.lang.diagnostics import replace
from sipflow.lang.lower.clauses import Clauses
from sipflow.lang.lower.context import Context, Kind
from sipflow.lang.lower.digits import check_digits
from sipflow.lang.lower.expressions import EXPRESSION_RULES, ExpressionReader
from sipflow.lang.lower.hearing import (
    read_check_heard,
    read_expect_heard,
    read_expect_silence,
    read_expect_tone,
)
from sipflow.lang.lower.kinds import require
from sipflow.lang.lower.messages import OF_INVITES, OF_LATER_INVITES, read_with, twice
from sipflow.lang.lower.prompts import check_prompt
from sipflow.lang.lower.targets import bare_name, check_address, read_caller, read_target, unknown_agent
from sipflow.lang.lower.words import read_word
from sipflow.lang.symbols import SymbolKind
from sipflow.lang.syntax import Node, Token
from sipflow.values import dataclass


@dataclass(slots=True)
class Action:
    """One statement while it is being read."""

    node: Node
    clauses: Clauses
    reader: ExpressionReader
    call: Token | None = None
    """The call that it names, with or without `on`."""

    @property
    def context(self) -> Context:
        """The source's context."""
        return self.reader.context

    def expression_node(self) -> Node | None:
        """Syntax of its own expression."""
        return next((node for node in self.node.nodes() if node.rule in EXPRESSION_RULES), None)

    def expression(self) -> Expr | None:
        """Its own expression, None when there is none."""
        node = self.expression_node()
        return None if node is None else self.reader.read(node)

    def needed(self, wanted: Kind = None, what: str = "") -> Expr:
        """Its own expression, of the `wanted` kind."""
        value = self.expression()
        assert value is not None, f"the grammar gives {self.node.rule} an expression"
        return value if wanted is None else require(self.reader, value, wanted, what)

    def name(self) -> str | None:
        """The name that `as` gives."""
        token = self.clauses.name()
        return None if token is None else token.text

    def set_variable(self, token: Token, kind: Kind) -> None:
        """The statement gives a variable its value."""
        names, where = self.reader.names, self.context.span(token)
        if token.text in names.arguments:
            parameter_taken(token, self.context)
        first = names.known.origins.get(token.text, where) == where
        self.context.note(SymbolKind.VARIABLE, token.text, where, names.scope, declares=first)
        names.known.set_variable(token.text, kind, where)

    def option(self, rule: str, wanted: Kind, what: str, unit: str = "") -> Expr | None:
        """The value of the option `rule`, None when it is not given."""
        found = self.single(rule)
        if found is None:
            return None
        return require(self.reader, self.reader.read(next(found.nodes())), wanted, what, unit)

    def single(self, *rules: str) -> Node | None:
        """The option of one of these rules; a second one is reported."""
        found = list(self.node.nodes(*rules))
        for other in found[1:]:
            twice(self.context, other.start, other)
        return found[0] if found else None

    def target(self) -> tuple[Expr, str | None]:
        """Whom it is directed at."""
        node = self.expression_node()
        assert node is not None, f"the grammar gives {self.node.rule} a target"
        return read_target(node, self.reader)


def read_action(action: Action) -> Op:
    """The operation of a statement."""
    op = _READERS[action.node.rule](action)
    own = action.node.token("NAME") if action.node.rule in _NAME_THEIR_CALL else None
    action.call = own or (action.clauses.call() if _may_name_call(op) else None)
    return op


_NAME_THEIR_CALL = frozenset(
    (
        "release",
        "hold",
        "resume",
        "rekey",
        "mute",
        "unmute",
        "stop_play",
        "stop_record",
        "pause_record",
        "resume_record",
        "transfer",
    )
)


def _may_name_call(op: Op) -> bool:
    """Whether `on NAME` means something: on calls that are there, and on those that wait to be answered."""
    if isinstance(op, ops.SendRequest | ops.SendRaw):
        return op.target is None
    return op.call_bound or isinstance(op, ops.Answer | ops.Ring | ops.Progress | ops.Reject | ops.Redirect)


# --- calls ---------------------------------------------------------------------------------------------------------


def _call(action: Action) -> Op:
    target, agent = action.target()
    return ops.Call(target, agent, action.name(), action.clauses.extra(OF_INVITES))


def _dial(action: Action) -> Op:
    target, agent = action.target()
    return ops.Dial(target, agent, action.name(), action.clauses.extra(OF_INVITES))


def _answer(action: Action) -> Op:
    return ops.Answer(action.name(), action.clauses.extra())


def _ring(action: Action) -> Op:
    return ops.Ring(action.name(), action.clauses.extra())


def _progress(action: Action) -> Op:
    return ops.Progress(action.name(), action.clauses.extra())


def _reject(action: Action) -> Op:
    token = action.node.token("NUMBER")
    assert token is not None, "the grammar has a code here"
    return ops.Reject(_code(token, action.context, 300), _reason(action), action.clauses.extra())


def _reason(action: Action) -> Expr | None:
    reason = action.expression()
    return None if reason is None else require(action.reader, reason, "string", "the reason")


def _respond(action: Action) -> Op:
    token, method = action.node.token("NUMBER"), action.node.token("NAME")
    assert token is not None, "the grammar has a code here"
    code, reason = _code(token, action.context, 100), _reason(action)
    return ops.Respond(code, reason, "INVITE" if method is None else method.text.upper(), action.clauses.extra())


def _code(token: Token, context: Context, least: int) -> int:
    text = token.text
    if text.isdigit() and len(text) == 3 and least <= int(text) <= 699:
        return int(text)
    label = f"codes here go from {least} to 699"
    context.report.error("SF217", f"`{text}` is no status code", context.span(token), label)
    return least


def _redirect(action: Action) -> Op:
    return ops.Redirect(*action.target(), action.clauses.extra())


def _transfer(action: Action) -> Op:
    node = action.expression_node()
    assert node is not None, "the grammar gives a transfer a target"
    token, own = bare_name(node), action.node.token("NAME")
    calls = action.reader.names.known.calls
    if token is not None and token.text in calls and (own is not None or token.text not in action.context.agents):
        action.reader.check_call(token.text, action.context.span(token))
        return ops.Transfer(other=token.text, extra=action.clauses.extra())
    if token is not None and own is not None and _names_nothing(token.text, action):
        _unknown_second(token, action)
        return ops.Transfer(other=token.text, extra=action.clauses.extra())
    target, agent = action.target()
    return ops.Transfer(target, agent, extra=action.clauses.extra())


def parameter_taken(token: Token, context: Context) -> None:
    """Report a name that cannot be given, since a parameter has it."""
    where = context.span(token)
    context.report.error("SF201", f"`{token.text}` is a parameter of this definition", where, "take another name")


def _names_nothing(word: str, action: Action) -> bool:
    context, names = action.context, action.reader.names
    if word in names.arguments or word in names.elsewhere:
        return False
    return word not in context.agents and not names.has_variable(word) and word not in context.variables


def _unknown_second(token: Token, action: Action) -> None:
    """`transfer c1 to c3`: neither a call nor an agent. The nearer of both says which was meant."""
    if action.reader.names.known.calls:
        action.reader.check_call(token.text, action.context.span(token))
    elif action.reader.is_new_mistake(token.text):
        unknown_agent(token, action.reader)


def _register(action: Action) -> Op:
    expires = action.option("lasting", Unit.MILLISECOND, "the time of the registration")
    contacts = tuple(_contact(node, action) for node in action.node.nodes("contact"))
    return ops.Register(expires, contacts, action.clauses.extra())


def _contact(node: Node, action: Action) -> Expr:
    address = next(node.nodes())
    contact = require(action.reader, action.reader.read(address), "string", "the contact")
    check_address(contact, action.context)
    return contact


def _send_request(action: Action) -> Op:
    method = action.node.node("method")
    assert method is not None and isinstance(method.children[0], Token), "the grammar has a method here"
    target, agent = action.target() if action.expression_node() else (None, None)
    extra = read_with(action.node, action.reader) if action.node.token("LBRACE") else action.clauses.extra()
    return ops.SendRequest(method.children[0].kind, target, agent, extra)


def _send_raw(action: Action) -> Op:
    text = action.needed("string", "the message")
    node = action.node.node("raw_target")
    target, agent = (None, None) if node is None else read_target(next(node.nodes()), action.reader)
    return ops.SendRaw(text, target, agent)


# --- media ---------------------------------------------------------------------------------------------------------


def _play(action: Action) -> Op:
    tone = action.option("tone", Unit.HERTZ, "the tone")
    digits = _played_digits(action)
    path = action.expression()
    if path is not None:
        require(action.reader, path, "string", "the file")
        check_prompt(path, action.context)
    duration = action.option("lasting", Unit.MILLISECOND, "the duration")
    start = action.option("starting", Unit.MILLISECOND, "the start")
    gain = action.option("gain", Unit.DECIBEL, "the gain")
    background = action.single("background") is not None
    return ops.Play(path, tone, _times(action), duration, start, gain, background, digits)


def _played_digits(action: Action) -> Expr | None:
    node = action.single("dtmf_digits")
    if node is None:
        return None
    written = next(node.nodes())
    digits = require(action.reader, action.reader.read(written), "string", "digits")
    check_digits(written, digits, action.context, pauses=True)
    return digits


def _times(action: Action) -> int | None:
    node = action.single("looped", "times")
    if node is None:
        return 1
    token = node.token("NUMBER")
    if token is None:
        return None
    if token.text.isdigit() and int(token.text) > 0:
        return int(token.text)
    action.context.report.error("SF208", f"`{token.text} times` is impossible", action.context.span(token), "1 or more")
    return 1


def _record(action: Action) -> Op:
    path = action.expression()
    if path is not None:
        require(action.reader, path, "string", "the file")
    channels = action.single("channels")
    word = channels.children[0] if channels is not None else None
    duration = action.option("lasting", Unit.MILLISECOND, "the duration")
    return ops.Record(path, word.kind.lower() if isinstance(word, Token) else "stereo", duration)


def _send_dtmf(action: Action) -> Op:
    node = action.expression_node()
    digits = require(action.reader, action.needed(), "string", "digits")
    assert node is not None, "the grammar gives digits"
    check_digits(node, digits, action.context, pauses=True)
    gap = action.option("digit_gap", Unit.MILLISECOND, "the gap", "ms")
    tone = action.option("digit_tone", Unit.MILLISECOND, "the tone's length", "ms")
    via = action.single("via")
    return ops.SendDtmf(digits, gap, tone, None if via is None else read_word(via, action.context))


def _impair(action: Action) -> Op:
    loss = action.option("loss", Unit.PERCENT, "the loss")
    jitter = action.option("jitter", Unit.MILLISECOND, "the jitter", "ms")
    reorder = action.option("reorder", Unit.PERCENT, "the share out of order")
    duplicate = action.option("duplicate", Unit.PERCENT, "the share sent twice")
    burst = action.option("burst", "number", "the length of a burst in packets")
    density = action.option("density", Unit.PERCENT, "the share lost in a burst")
    delay = action.option("delay", Unit.MILLISECOND, "the delay", "ms")
    corrupt = action.option("corrupt", Unit.PERCENT, "the share with a wrong bit")
    skew = action.option("skew", Unit.PARTS_PER_MILLION, "the skew")
    return ops.Impair(loss, jitter, reorder, duplicate, burst, density, delay, corrupt, skew)


# --- flow ----------------------------------------------------------------------------------------------------------


def _wait(action: Action) -> Op:
    return ops.Wait(action.needed(Unit.MILLISECOND, "the time to wait"))


def _let(action: Action) -> Op:
    value = action.needed()
    token = action.node.token("NAME")
    assert token is not None, "the grammar has a name here"
    action.set_variable(token, action.reader.kind(value))
    return ops.Let(token.text, value)


def _fail(action: Action) -> Op:
    text = action.expression()
    return ops.Fail(Literal("", action.context.span(action.node)) if text is None else text)


def _signal_name(action: Action) -> Token:
    token = action.node.token("NAME")
    assert token is not None, "the grammar has a name here"
    return token


def _signal(action: Action) -> Op:
    token = _signal_name(action)
    action.context.note(SymbolKind.SIGNAL, token.text, token, declares=True)
    action.context.signals_sent.setdefault(token.text, action.context.span(token))
    return ops.Signal(token.text)


def _await(action: Action) -> Op:
    token = _signal_name(action)
    action.context.note(SymbolKind.SIGNAL, token.text, token)
    action.context.signals_awaited.setdefault(token.text, action.context.span(token))
    return ops.Await(token.text)


def _check(action: Action) -> Op:
    return ops.Check(action.needed("truth value", "what is checked"))


# --- events --------------------------------------------------------------------------------------------------------


def _expect(action: Action) -> Op:
    return read_event(Action(next(action.node.nodes()), action.clauses, action.reader))


def read_event(action: Action) -> Op:
    """The operation of an event, behind `expect` or in a `choose`."""
    return _EVENTS[action.node.rule](action)


def _expect_call(action: Action) -> Op:
    node = action.expression_node()
    caller, agent = read_caller(node, action.reader) if node is not None else (None, None)
    return ops.ExpectCall(caller, agent, action.name(), action.clauses.where())


_SIMPLE: dict[str, type[Op]] = {
    "ringing": ops.ExpectRinging,
    "progress": ops.ExpectProgress,
    "answered": ops.ExpectAnswered,
    "held": ops.ExpectHeld,
    "resumed": ops.ExpectResumed,
    "transfer": ops.ExpectTransfer,
    "transferred": ops.ExpectTransferred,
    "recorded": ops.ExpectRecorded,
    "played": ops.ExpectPlayed,
    "audio": ops.ExpectAudio,
    "registered": ops.ExpectRegistered,
    "unregistered": ops.ExpectUnregistered,
}


def _expect_simple(action: Action) -> Op:
    word = action.node.children[0]
    assert isinstance(word, Token), "the grammar has one word here"
    if word.kind == "NOTIFY":
        return ops.ExpectNotify(action.clauses.where())
    if word.kind == "HANGUP":
        return ops.ExpectHangup(action.clauses.where())
    return _SIMPLE[word.kind.lower()]()


def _expect_rejected(action: Action) -> Op:
    token = action.node.token("NUMBER")
    return ops.ExpectRejected(None if token is None else _code(token, action.context, 300))


def _expect_dtmf(action: Action) -> Op:
    token = action.node.token("REGEX")
    if token is not None:
        pattern: Regex = action.reader.regex(token)
        name = action.clauses.name()
        if name is not None:
            action.set_variable(name, "string")
            return ops.ExpectDtmf(pattern=pattern.pattern, capture=name.text)
        return ops.ExpectDtmf(pattern=pattern.pattern)
    node = action.expression_node()
    if node is None:
        return ops.ExpectDtmf()
    written = action.needed()
    if action.reader.kind(written) == "regular expression":
        fix = replace(written.span, f"matching {action.context.written(written.span)}")
        action.context.report.error("SF208", "digits must be text", written.span, "a regular expression", fix=fix)
        return ops.ExpectDtmf(written)
    digits = require(action.reader, written, "string", "digits")
    check_digits(node, digits, action.context, pauses=False)
    return ops.ExpectDtmf(digits)


def _expect_response(action: Action) -> Op:
    token = action.node.token("NUMBER")
    code = None if token is None else _code(token, action.context, 100)
    return ops.ExpectResponse(code, action.clauses.where())


def _expect_request(action: Action) -> Op:
    name = action.node.token("NAME")
    word = action.node.children[0]
    assert isinstance(word, Token), "the grammar has a word here"
    return ops.ExpectRequest((name or word).text.upper(), action.clauses.where())


def _plain(op: type[Op]) -> Callable[[Action], Op]:
    def read(_action: Action) -> Op:
        return op()

    return read


_READERS: dict[str, Callable[[Action], Op]] = {
    "call": _call,
    "dial": _dial,
    "answer": _answer,
    "ring": _ring,
    "progress": _progress,
    "reject": _reject,
    "redirect": _redirect,
    "respond": _respond,
    "release": lambda action: ops.Release(action.clauses.extra()),
    "hold": lambda action: ops.Hold(action.clauses.extra(OF_LATER_INVITES)),
    "rekey": lambda action: ops.Rekey(action.clauses.extra(OF_LATER_INVITES)),
    "resume": lambda action: ops.Resume(action.clauses.extra(OF_LATER_INVITES)),
    "transfer": _transfer,
    "register": _register,
    "unregister": lambda action: ops.Unregister(action.node.token("ALL") is not None, action.clauses.extra()),
    "send_request": _send_request,
    "send_raw": _send_raw,
    "play": _play,
    "stop_play": _plain(ops.StopPlay),
    "record": _record,
    "stop_record": _plain(ops.StopRecord),
    "pause_record": _plain(ops.PauseRecord),
    "resume_record": _plain(ops.ResumeRecord),
    "send_dtmf": _send_dtmf,
    "mute": _plain(ops.Mute),
    "unmute": _plain(ops.Unmute),
    "impair": _impair,
    "clear_impairment": _plain(ops.ClearImpairment),
    "wait": _wait,
    "log": lambda action: ops.Log(action.needed()),
    "let": _let,
    "fail": _fail,
    "end": _plain(ops.End),
    "recover": _plain(ops.Recover),
    "signal": _signal,
    "await_signal": _await,
    "check": _check,
    "check_heard": read_check_heard,
    "expect": _expect,
}
_EVENTS: dict[str, Callable[[Action], Op]] = {
    "expect_call": _expect_call,
    "expect_simple": _expect_simple,
    "expect_rejected": _expect_rejected,
    "expect_dtmf": _expect_dtmf,
    "expect_silence": read_expect_silence,
    "expect_tone": read_expect_tone,
    "expect_heard": read_expect_heard,
    "expect_response": _expect_response,
    "expect_request": _expect_request,
}
