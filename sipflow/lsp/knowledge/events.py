"""Events: what a lane can wait for."""

from __future__ import annotations

from sipflow.lsp.knowledge.entry import Entry

EVENTS = {
    "expect_call": Entry(
        "expect call [from X] [as NAME] [where CONDITION]",
        "An INVITE came for the agent. X is an agent, a number or an address. The next `answer` answers it.",
        "INVITE",
        "RFC 3261 section 13.3",
        "call",
    ),
    "expect_simple": Entry("expect EVENT", "Waits for this event."),
    "expect_rejected": Entry(
        "expect rejected [CODE]",
        "The peer of `dial` refused the call.",
        "a final response from 300 to 699",
        "RFC 3261 section 13.2.2.3",
        "rejected",
    ),
    "expect_dtmf": Entry(
        'expect dtmf ["DIGITS" | matching /REGEX/ [as NAME]]',
        "These digits came, in this order, and another one fails at once; or the digits so far match as a whole, and "
        "NAME "
        "is a variable with them; or any one digit.",
        "telephone events, or INFO",
        "RFC 4733",
        'dtmf "${1:1}"',
    ),
    "expect_silence": Entry(
        "expect silence for D",
        "From now on, nothing louder than -50 dBov is heard for this time; comfort noise is silence.",
        snippet="silence for ${1:2s}",
    ),
    "expect_tone": Entry(
        "expect tone F[, F] | dial | ringback | busy | congestion [country C] [for D]",
        "A tone of this frequency, or of both, is heard, or a call progress tone with the cadence of the country.",
        source="ITU-T E.180 supplement 2",
        snippet="tone ${1:440Hz}",
    ),
    "tone_name": Entry(
        "dial | ringback | busy | congestion", "A call progress tone.", source="ITU-T E.180 supplement 2"
    ),
    "tone_country": Entry('country "C"', "Whose tone, by ISO 3166 code; `us` without it.", snippet='country "${1:de}"'),
    "expect_heard": Entry(
        'expect heard "FILE" [score >= S]',
        "This file was heard, from its start to its end. S says how alike they have to be, 1 for the very same; 0.8 "
        "without it.",
        snippet='heard "${1:file.wav}"',
    ),
    "least_score": Entry("score >= S", "How alike they have to be, from 0 to 1.", snippet="score >= ${1:0.9}"),
    "least_pesq": Entry(
        "pesq >= S",
        "The least PESQ score of what was recorded; needs `pip install pesq`.",
        source="ITU-T P.862",
        snippet="pesq >= ${1:3.5}",
    ),
    "expect_response": Entry(
        "expect response [CODE] [where CONDITION]",
        "The final response of the lane's last `send`.",
        "a response",
        "RFC 3261 section 8.1.3",
        "response ${1:200}",
    ),
    "expect_request": Entry(
        "expect info | message | options | subscribe | update | request METHOD [where CONDITION]",
        "A request of this method came for the agent.",
        "a request in or outside of a call",
        "RFC 3261 section 8.2",
    ),
}

EVENT_WORDS = {
    "ringing": Entry(
        "expect ringing", "The phone of the peer rings.", "180, or another 18x", "RFC 3261 section 21.1.2"
    ),
    "progress": Entry(
        "expect progress", "Audio before the answer.", "183 with a session description", "RFC 3261 section 21.1.5"
    ),
    "answered": Entry(
        "expect answered", "The peer of `dial` took the call.", "2xx to the INVITE", "RFC 3261 section 13.2.2.4"
    ),
    "hangup": Entry(
        "expect hangup", "The peer ended the call, or cancelled it.", "BYE or CANCEL", "RFC 3261 sections 15 and 9"
    ),
    "held": Entry(
        "expect held",
        "The peer put the call on hold.",
        "re-INVITE with `a=sendonly` or `inactive`",
        "RFC 3264 section 8.4",
    ),
    "resumed": Entry(
        "expect resumed", "The peer took the call back.", "re-INVITE with `a=sendrecv`", "RFC 3264 section 8.4"
    ),
    "transfer": Entry("expect transfer", "The peer transfers this call, and it is followed.", "REFER", "RFC 3515"),
    "transferred": Entry(
        "expect transferred",
        "The transfer is through: the peer has another partner now.",
        "NOTIFY, or INVITE with Replaces",
        "RFC 3515, RFC 3891",
    ),
    "notify": Entry("expect notify [where CONDITION]", "A notification came in the call.", "NOTIFY", "RFC 6665"),
    "recorded": Entry("expect recorded", "A recording with `for` came to its end."),
    "played": Entry("expect played", "What played in the background came to its end."),
    "audio": Entry("expect audio", "Something is to be heard.", "RTP"),
    "registered": Entry(
        "expect registered", "The registrar accepted the agent.", "200 to REGISTER", "RFC 3261 section 10.2.4"
    ),
    "unregistered": Entry(
        "expect unregistered", "The registration is over.", "200 to REGISTER", "RFC 3261 section 10.2.2"
    ),
    "subscribe": Entry(
        "expect subscribe [where CONDITION]", "Somebody asked for notifications.", "SUBSCRIBE", "RFC 6665"
    ),
    "update": Entry("expect update [where CONDITION]", "The peer changed the session.", "UPDATE", "RFC 3311"),
    "info": Entry("expect info [where CONDITION]", "A request in the call came.", "INFO", "RFC 6086"),
    "message": Entry("expect message [where CONDITION]", "A text message came.", "MESSAGE", "RFC 3428"),
    "options": Entry(
        "expect options [where CONDITION]", "Somebody asked what the agent can do.", "OPTIONS", "RFC 3261 section 11"
    ),
    "request": Entry(
        "expect request METHOD [where CONDITION]",
        "A request of this method came.",
        "the request",
        "RFC 3261 section 8.2",
        "request ${1:OPTIONS}",
    ),
}
"""Events that one rule of the grammar has in common, by their words."""
