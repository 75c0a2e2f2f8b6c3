"""Words that people bring along from other tools, or from how one would say it, and what they are called here."""

from __future__ import annotations

STATEMENTS = {
    "bye": "release",
    "hangup": "release",
    "cancel": "release",
    "disconnect": "release",
    "invite": "call",
    "accept": "answer",
    "pickup": "answer",
    "sleep": "wait",
    "pause": "wait",
    "print": "log",
    "echo": "log",
    "refer": "transfer",
    "retrieve": "resume",
    "unhold": "resume",
    "assert": "check",
    "dtmf": "send dtmf",
    "press": "send dtmf",
    "exit": "end",
    "return": "end",
    "set": "let",
    "var": "let",
    "receive": "expect",
}
"""Words for statements."""

EVENTS = {
    "bye": "hangup",
    "cancel": "hangup",
    "disconnect": "hangup",
    "disconnected": "hangup",
    "released": "hangup",
    "invite": "call",
    "incoming": "call",
    "connected": "answered",
    "answer": "answered",
    "ring": "ringing",
    "digit": "dtmf",
    "digits": "dtmf",
    "key": "dtmf",
    "refer": "transfer",
    "hold": "held",
    "resume": "resumed",
    "retrieved": "resumed",
    "speech": "audio",
    "voice": "audio",
    "sound": "audio",
    "prompt": "heard",
    "register": "registered",
}
"""Words for what `expect` waits for."""

RESPONSES = {
    "busy": "486",
    "busyhere": "486",
    "decline": "603",
    "declined": "603",
    "forbidden": "403",
    "notfound": "404",
    "noanswer": "480",
    "unavailable": "480",
    "temporarilyunavailable": "480",
    "notacceptable": "488",
    "servererror": "500",
}
"""Words for status codes (RFC 3261 section 21)."""

MEASUREMENTS = {
    "rtt": "round_trip",
    "latency": "delay",
    "packet_loss": "loss",
    "loss_rate": "loss",
    "lost": "packets_lost",
    "received": "packets_received",
    "sent": "packets_sent",
    "rfactor": "r_factor",
    "score": "mos",
    "quality": "mos",
    "volume": "level",
    "late": "packets_late",
    "dtmf": "digits",
    "pdd": "ring_time",
    "status": "code",
    "response": "code",
    "length": "duration",
    "talk_time": "duration",
}
"""Words for measurements."""

ROUNDS = "`repeat 3 times { … }` and `while CONDITION { … }` go round"
FAILING = 'every statement may fail: `call bob else { log "no answer"; recover }`'
ASIDE = "a lane does one thing after the other: `expect` waits for an event, `choose` for whichever comes first"
EXPLAINED = {
    **dict.fromkeys(("for", "foreach", "loop", "times", "do"), ROUNDS),
    **dict.fromkeys(("try", "catch", "retry", "except", "rescue", "ignore"), FAILING),
    **dict.fromkeys(("on", "when", "upon", "wait_for", "select", "switch"), ASIDE),
}
"""Words for statements that are something else here."""

UNTIL = frozenset(("until", "till", "unless", "while"))
"""Words by which a statement is to go on only up to an event."""
LIMITS = frozenset(("in", "timeout", "before", "max"))
"""Words for `within`."""
CREDENTIALS = '`auth "USER" password "SECRET"` says with what the agent registers and answers challenges'
ADDRESS = '`listen udp "10.0.0.7:5060"` says where the agent takes SIP: by udp, tcp, tls, ws or wss'
SERVER = '`proxy "sip:10.0.0.5:5060"` says where its requests go; `register every 300s` has it register there'
IDENTITY = (
    '`number 2000` or `uri "sip:2000@example.com"` says who it is; '
    'a name to show stands in `call … with { header "From" = "…" }`'
)
MEDIA_PORTS = "`media { ports 20000-29999 }` says where the agent takes RTP"

SETTINGS = {
    **dict.fromkeys(("user", "username", "login", "account", "password", "secret", "credentials"), CREDENTIALS),
    **dict.fromkeys(("transport", "port", "address", "host", "ip", "bind", "interface", "local", "contact"), ADDRESS),
    **dict.fromkeys(("server", "domain", "registrar", "outbound", "sbc", "pbx", "gateway", "trunk"), SERVER),
    **dict.fromkeys(("display", "displayname", "name", "callerid", "from", "identity"), IDENTITY),
    **dict.fromkeys(("rtp", "ports", "rtpport"), MEDIA_PORTS),
    "encryption": "`srtp required` says that media has to be encrypted",
}
"""Words for settings of agents, and how it is said here."""

LOAD_ITEMS = {
    **dict.fromkeys(
        ("rate", "cps", "duration", "time", "stage"), "`hold 50/s for 60s` begins 50 calls a second for so long"
    ),
    **dict.fromkeys(("users", "callers", "channels", "concurrent", "max"), "`concurrency at most 100` limits them"),
    **dict.fromkeys(("calls", "count", "total"), "`sipflow load --calls 1000` begins no more than these"),
    **dict.fromkeys(
        ("workers", "processes", "threads"), "`sipflow load --workers 2` says how many processes there are"
    ),
    **dict.fromkeys(("threshold", "check", "assert", "expect"), "`require setup_time.p99 < 200ms` is what has to hold"),
}
"""Words for items of a `load` block, and how it is said here."""

FILE_ENDINGS = frozenset(("wav", "flac", "ogg", "opus", "mp3", "gsm", "amr", "pcap", "csv"))
"""Of names that are nothing but those of files."""
