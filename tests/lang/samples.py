"""Good files that tests bend and break, and every statement of the language that runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

STATEMENTS = (
    "call bob",
    'call "sip:bob@example.com" as c2 with { header "X-A" = "1"; body "b"; type "text/plain"; codecs pcma, pcmu }',
    "call bob within 5s",
    "dial bob as c2",
    "answer",
    "answer as c2 with { codecs pcma }",
    "answer on c1",
    "ring",
    "ring as c2",
    "progress",
    "reject 486",
    'reject 486 "Busy Here"',
    'reject 603 with { header "Reason" = "SIP" }',
    "redirect bob",
    'redirect "sip:carol@example.com"',
    "release",
    "release c1",
    "release within 2s",
    "hold",
    "hold c1",
    "resume",
    "resume c1",
    "transfer to bob",
    "transfer c1 to bob",
    'transfer to "sip:carol@example.com" within 3s',
    "transfer c1 to c0",
    "send options to bob",
    'send message to bob { header "X-Id" = "4711"; body "hello" }',
    'send info { type "application/dtmf-relay"; body "Signal=1" }',
    "send notify on c1",
    "send subscribe to bob within 2s",
    'send update { header "X-A" = "1" }',
    'send publish to bob { header "Event" = "presence"; body "x" }',
    'send raw """OPTIONS sip:bob SIP/2.0"""',
    'send raw "x" to bob',
    'send raw "x\\r\\n" to "sip:carol@example.com"',
    "respond 200",
    'respond 486 "Busy Here" on c1 with { header "X-A" = "1"; copies 2 }',
    "respond 500 to BYE",
    'respond 603 "No" to UPDATE on c1',
    "register",
    'register for 600s contact "sip:alice@192.0.2.1" contact name within 5s with { header "X-A" = "1" }',
    "unregister",
    "unregister all with { copies 2 }",
    'hold c1 with { replace header "Contact" = "x"; cseq 1 }',
    "resume with { no ack }",
    'release c1 with { header "Reason" = "SIP;cause=200" }',
    'redirect bob with { remove header "Contact" }',
    'transfer c1 to bob with { add header "Refer-Sub" = "false" }',
    'transfer c1 to c0 with { double header "Refer-To" }',
    'call bob with { start line "INVITE x SIP/3.0"; content length 7; no ack; late offer; copies 3 }',
    'play "x.wav"',
    'play "x.wav" loop in background',
    'play "x.wav" 3 times for 5s from 1.5s at -6dB',
    "play tone 440Hz for 2s",
    'play "x.wav" on c1',
    "stop play",
    "stop play c1",
    "record",
    'record "x.wav"',
    'record "x.wav" received for 5s',
    "record mono",
    "stop record",
    "stop record c1",
    'send dtmf "123#"',
    'send dtmf "1,2" gap 100ms tone 80ms via rfc4733',
    'send dtmf "1" via info',
    'send dtmf "1" via inband on c1',
    'play dtmf "12,3#"',
    'play dtmf "1" 2 times in background',
    "mute",
    "mute c1",
    "unmute",
    "impair loss 3% jitter 30ms reorder 1% duplicate 0.5%",
    "impair loss 3% on c1",
    "clear impairment",
    "wait 200ms",
    "wait patience",
    'log "hello ${name}, ${1 + 2}"',
    "let x = 5s",
    "let x = env.PASSWORD",
    'fail "no"',
    "signal go",
    "await go",
    "await go within 2s",
    'check media.codec == "PCMA"',
    "check c1.media.mos >= 4 and not media.loss > 1%",
    'check sip.header("X-Id") matches /^[0-9]+\\/x$/',
    "check media.jitter < 30ms on c1",
    "expect call",
    "expect call from bob as c2",
    "expect call from 1001",
    'expect call from bob as c2 where header("Replaces") contains "x"',
    "expect ringing",
    "expect progress",
    "expect answered on c1 within 2s",
    "expect rejected",
    "expect rejected 486",
    "expect hangup",
    "expect hangup on c1 within 20s",
    'expect dtmf "12"',
    "expect dtmf",
    "expect dtmf matching /[0-9]{4}#/ as pin",
    "expect held",
    "expect resumed",
    "expect transfer",
    "expect transferred",
    "expect notify",
    'expect notify where body contains "200"',
    'check heard "x.wav"',
    'check heard "x.wav" score >= 0.9 pesq >= 3.5 on c1',
    'expect heard "x.wav" within 8s',
    'expect heard "x.wav" score >= 0.9 on c1',
    "expect tone 440Hz",
    "expect tone 480Hz, 620Hz for 2s within 5s",
    "expect tone ringback",
    'expect tone busy country "de" for 1s on c1',
    "expect tone dial",
    "expect tone congestion",
    "expect audio",
    "expect silence for 2s within 5s",
    "expect recorded",
    "expect played",
    "expect response 200",
    'expect response where header("X") == "y"',
    "expect info",
    'expect message where body contains "x"',
    "expect options",
    "expect subscribe",
    'expect update where body == ""',
    "expect registered",
    "expect unregistered within 2s",
    'expect request PUBLISH where method == "PUBLISH"',
    "recover",
    "end",
)


def in_a_lane(statement: str) -> str:
    """A file that is right if the statement is."""
    tail = f"check 1 == 1 else {{ {statement} }}" if statement == "recover" else statement
    return (
        'let name = "n"\nlet patience = 1s\nagent pbx { registrar }\n'
        "agent alice { proxy pbx; register every 300s }\n"
        f"on alice {{\n  call bob as c0\n  call bob as c1\n  {tail}\n}}\n"
        "on bob { answer; signal go; await go }\n"
    )


def scenarios() -> list[Path]:
    return sorted((ROOT / "scenarios").glob("*.sflow"))


def examples(page: Path) -> list[str]:
    """The sflow examples of a Markdown page; statements alone are put into a lane."""
    found = re.findall(r"```sflow\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    around = "on desk: answer\non alice {{\ncall desk\n{}}}\n"
    return [around.format(text) if text.startswith("choose") else text for text in found]
