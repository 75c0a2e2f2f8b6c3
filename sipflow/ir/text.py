"""Operations as text of the language: the one canonical form of a statement, without its `else`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipflow.ir import ops
from sipflow.ir.expr import Expr, Regex, constant_text, format_number, quote
from sipflow.ir.ops import Edit, Op, With


def statement_text(op: Op, call: str | None = None, within: Expr | None = None) -> str:
    """The statement that `op` is, for instance `expect dtmf "1" on c1 within 5s`."""
    words = _WRITERS[type(op)](op)
    if call is not None and not isinstance(op, _NAMES_ITS_CALL):
        words = f"{words} on {call}"
    elif call is not None:
        words = f"{op.word} {call}{words.removeprefix(op.word)}"
    return words if within is None else f"{words} within {within}"


def event_text(arm: ops.Arm) -> str:
    """What stands before `=>` in a `choose`."""
    return statement_text(arm.event, arm.call).removeprefix("expect ")


_NAMES_ITS_CALL = (
    ops.Release,
    ops.Hold,
    ops.Resume,
    ops.Rekey,
    ops.Mute,
    ops.Unmute,
    ops.StopPlay,
    ops.StopRecord,
    ops.PauseRecord,
    ops.ResumeRecord,
    ops.Transfer,
)
"""Statements that take the name of a call without `on`."""


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _option(word: str, value: object | None) -> str:
    return "" if value is None else f"{word} {value}"


def _target(op: Any) -> str:
    return op.target_agent if op.target_agent is not None else str(op.target)


def block_items(op: Op) -> list[str]:
    """What stands between the braces of a statement that says what its message carries; empty for others."""
    extra = getattr(op, "extra", None)
    return _items(extra) if isinstance(extra, With) else []


def _items(extra: With) -> list[str]:
    items = [f"header {quote(name)} = {value}" for name, value in extra.headers]
    items += [_option("body", extra.body), _option("type", extra.content_type)]
    items += [f"codecs {', '.join(name.lower() for name in extra.codecs)}"] if extra.codecs else []
    items += [_edit(edit) for edit in extra.edits]
    return [item for item in items if item]


def _edit(edit: Edit) -> str:
    words = _EDIT_WORDS[edit.kind]
    name = f" {quote(edit.name)}" if edit.name else ""
    sign = " =" if edit.name and edit.value is not None and edit.kind != "part" else ""
    return f"{words}{name}{sign}" + ("" if edit.value is None else f" {edit.value}")


_EDIT_WORDS = {
    "replace": "replace header",
    "add": "add header",
    "remove": "remove header",
    "double": "double header",
    "start_line": "start line",
    "cseq": "cseq",
    "content_length": "content length",
    "copies": "copies",
    "no_ack": "no ack",
    "late_offer": "late offer",
    "part": "part",
}


def _block(extra: With) -> str:
    return f"{{ {'; '.join(_items(extra))} }}"


def _with(extra: With) -> str:
    return "" if extra == With() else f"with {_block(extra)}"


def _calling(op: Any) -> str:
    return _join(op.word, _target(op), _option("as", op.name), _with(op.extra))


def _answering(op: Any) -> str:
    return _join(op.word, _option("as", op.name), _with(op.extra))


def _word(op: Op) -> str:
    return op.word


def _reject(op: ops.Reject) -> str:
    return _join(f"reject {op.code}", "" if op.reason is None else str(op.reason), _with(op.extra))


def _redirect(op: ops.Redirect) -> str:
    return _join(f"redirect {_target(op)}", _with(op.extra))


def _respond(op: ops.Respond) -> str:
    to = "" if op.method == "INVITE" else f"to {op.method}"
    return _join(f"respond {op.code}", "" if op.reason is None else str(op.reason), to, _with(op.extra))


def _word_with(op: Any) -> str:
    return _join(op.word, _with(op.extra))


def _register(op: ops.Register) -> str:
    contacts = (f"contact {contact}" for contact in op.contacts)
    return _join("register", _option("for", op.expires), *contacts, _with(op.extra))


def _unregister(op: ops.Unregister) -> str:
    return _join("unregister", "all" if op.all else "", _with(op.extra))


def _send_raw(op: ops.SendRaw) -> str:
    return _join(f"send raw {op.text}", "" if op.target is None else f"to {_target(op)}")


def _transfer(op: ops.Transfer) -> str:
    return _join(f"transfer to {op.other if op.other is not None else _target(op)}", _with(op.extra))


def _send_request(op: ops.SendRequest) -> str:
    to = f"to {_target(op)}" if op.target is not None else ""
    return _join(f"send {op.method.lower()}", to, "" if op.extra == With() else _block(op.extra))


def _play(op: ops.Play) -> str:
    what = str(op.path) if op.path is not None else f"dtmf {op.digits}" if op.digits is not None else f"tone {op.tone}"
    times = "loop" if op.times is None else "" if op.times == 1 else f"{op.times} times"
    options = (_option("for", op.duration), _option("from", op.start), _option("at", op.gain))
    return _join("play", what, times, *options, "in background" if op.background else "")


def _record(op: ops.Record) -> str:
    path = "" if op.path is None else str(op.path)
    channels = "" if op.channels == "stereo" else op.channels
    return _join("record", path, channels, _option("for", op.duration))


def _send_dtmf(op: ops.SendDtmf) -> str:
    options = (_option("gap", op.gap), _option("tone", op.tone), _option("via", op.via))
    return _join(f"send dtmf {op.digits}", *options)


_IMPAIRMENTS = ("loss", "burst", "density", "delay", "jitter", "reorder", "duplicate", "corrupt", "skew")


def _impair(op: ops.Impair) -> str:
    return _join("impair", *(_option(name, getattr(op, name)) for name in _IMPAIRMENTS))


def _fail(op: ops.Fail) -> str:
    return "fail" if constant_text(op.text) == "" else f"fail {op.text}"


def _expect_call(op: ops.ExpectCall) -> str:
    caller = op.caller_agent if op.caller_agent is not None else op.caller
    return _join("expect call", _option("from", caller), _option("as", op.name), _option("where", op.where))


def _expect_word(op: Op) -> str:
    return f"expect {op.word}"


def _expect_rejected(op: ops.ExpectRejected) -> str:
    return _join("expect rejected", "" if op.code is None else str(op.code))


def _expect_dtmf(op: ops.ExpectDtmf) -> str:
    if op.pattern is None:
        return _join("expect dtmf", "" if op.digits is None else str(op.digits))
    return _join(f"expect dtmf matching {Regex(op.pattern)}", _option("as", op.capture))


def _expect_hangup(op: ops.ExpectHangup) -> str:
    return _join("expect hangup", _option("where", op.where))


def _expect_notify(op: ops.ExpectNotify) -> str:
    return _join("expect notify", _option("where", op.where))


def _expect_response(op: ops.ExpectResponse) -> str:
    return _join("expect response", "" if op.code is None else str(op.code), _option("where", op.where))


def _expect_request(op: ops.ExpectRequest) -> str:
    method = op.method.lower()
    what = method if method in ("info", "message", "options", "subscribe", "update") else f"request {op.method}"
    return _join("expect", what, _option("where", op.where))


def _at_least(name: str, value: float | None) -> str:
    return "" if value is None else f"{name} >= {format_number(value)}"


def _check_heard(op: ops.CheckHeard) -> str:
    return _join(f"check heard {op.path}", _at_least("score", op.score), _at_least("pesq", op.pesq))


def _expect_heard(op: ops.ExpectHeard) -> str:
    return _join(f"expect heard {op.path}", _at_least("score", op.score))


def _expect_tone(op: ops.ExpectTone) -> str:
    frequencies = f"{op.frequency}" if op.second is None else f"{op.frequency}, {op.second}"
    what = frequencies if op.name is None else op.name
    return _join(f"expect tone {what}", _option("country", op.country), _option("for", op.duration))


_WRITERS: dict[type[Op], Callable[[Any], str]] = {
    ops.Call: _calling,
    ops.Dial: _calling,
    ops.Answer: _answering,
    ops.Ring: _answering,
    ops.Progress: _answering,
    ops.Reject: _reject,
    ops.Redirect: _redirect,
    ops.Respond: _respond,
    ops.Release: _word_with,
    ops.Hold: _word_with,
    ops.Resume: _word_with,
    ops.Rekey: _word_with,
    ops.Transfer: _transfer,
    ops.Register: _register,
    ops.Unregister: _unregister,
    ops.SendRequest: _send_request,
    ops.SendRaw: _send_raw,
    ops.Play: _play,
    ops.StopPlay: _word,
    ops.Record: _record,
    ops.StopRecord: _word,
    ops.PauseRecord: _word,
    ops.ResumeRecord: _word,
    ops.SendDtmf: _send_dtmf,
    ops.Mute: _word,
    ops.Unmute: _word,
    ops.Impair: _impair,
    ops.ClearImpairment: _word,
    ops.Wait: lambda op: f"wait {op.duration}",
    ops.Log: lambda op: f"log {op.text}",
    ops.Let: lambda op: f"let {op.name} = {op.value}",
    ops.Fail: _fail,
    ops.End: _word,
    ops.Recover: _word,
    ops.If: lambda op: f"if {op.condition}",
    ops.Repeat: lambda op: f"repeat {op.times} times",
    ops.While: lambda op: f"while {op.condition}",
    ops.Choose: _word,
    ops.Signal: lambda op: f"signal {op.name}",
    ops.Await: lambda op: f"await {op.name}",
    ops.Check: lambda op: f"check {op.condition}",
    ops.CheckHeard: _check_heard,
    ops.ExpectCall: _expect_call,
    ops.ExpectRinging: _expect_word,
    ops.ExpectProgress: _expect_word,
    ops.ExpectAnswered: _expect_word,
    ops.ExpectRejected: _expect_rejected,
    ops.ExpectHangup: _expect_hangup,
    ops.ExpectDtmf: _expect_dtmf,
    ops.ExpectHeld: _expect_word,
    ops.ExpectResumed: _expect_word,
    ops.ExpectTransfer: _expect_word,
    ops.ExpectTransferred: _expect_word,
    ops.ExpectNotify: _expect_notify,
    ops.ExpectRecorded: _expect_word,
    ops.ExpectPlayed: _expect_word,
    ops.ExpectAudio: _expect_word,
    ops.ExpectSilence: lambda op: f"expect silence for {op.duration}",
    ops.ExpectTone: _expect_tone,
    ops.ExpectHeard: _expect_heard,
    ops.ExpectRegistered: _expect_word,
    ops.ExpectUnregistered: _expect_word,
    ops.ExpectResponse: _expect_response,
    ops.ExpectRequest: _expect_request,
}
