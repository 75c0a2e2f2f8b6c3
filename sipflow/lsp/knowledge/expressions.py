"""Expressions, the words of settings, units, functions."""

from __future__ import annotations

from sipflow.ir.expr import Unit
from sipflow.lsp.knowledge.entry import Entry

EXPRESSIONS = {
    "expression": Entry("E", "A value, or how to come by one."),
    "or_expr": Entry("A or B", "True when one of the two is."),
    "and_expr": Entry("A and B", "True when both are."),
    "not_expr": Entry("not A", "True when A is not."),
    "comparison": Entry(
        "A == B · A < B · A matches /REGEX/ · A contains B",
        "Compares. Quantities are compared with quantities of the same unit only. `matches` searches for a regular "
        "expression, `contains` for a text.",
    ),
    "sum": Entry(
        "A + B · A - B", "A sum of numbers, of quantities of one unit, or of text and anything, which is text."
    ),
    "product": Entry("A * B · A / B", "A product of numbers, or of a quantity and a number."),
    "negative": Entry("-A", "The same with the other sign."),
    "secret": Entry(
        "secret E",
        "The value of E, which `***` stands for in every report, log and capture.",
        snippet="secret ${1:env.PASSWORD}",
    ),
    "literal": Entry('"text" · 42 · 5s · /regex/ · true', "A value as it is written."),
    "name": Entry(
        "NAME · TABLE.COLUMN · media.loss · CALL.media.loss", "A variable, a cell of a table, or a measurement."
    ),
    "apply": Entry("FUNCTION(E, …)", "The value of a function."),
    "env": Entry(
        "env.NAME",
        "A variable of the environment. One that is not set fails the statement that needs it.",
        snippet="env.",
    ),
    "group": Entry("(E)", "What is worked out first."),
}

FUNCTIONS = {
    "number": Entry("number(T)", "The number that a text writes; no value when it writes none."),
    "text": Entry("text(E)", "Anything as text, as it stands in a string."),
    "length": Entry("length(T)", "How many characters a text has."),
    "lower": Entry("lower(T)", "A text in small letters."),
    "upper": Entry("upper(T)", "A text in capitals."),
    "random": Entry(
        "random(A, B)", "A whole number from A to B, by the run's seed: the same seed gives the same number."
    ),
    "sip.header": Entry('sip.header("NAME")', "The text of a header field of the call's latest message."),
    "header": Entry('header("NAME")', "The text of a header field of the message. Behind `where` only."),
    "part": Entry('part("TYPE")', "The first part of the message's body with this media type. Behind `where` only."),
}

UNIT_WORDS = {
    "ms": Entry("200ms", "Milliseconds."),
    "s": Entry("5s", "Seconds."),
    "m": Entry("2m", "Minutes."),
    "h": Entry("1h", "Hours."),
    "/s": Entry("50/s", "So many a second."),
    "/m": Entry("300/m", "So many a minute."),
    "/h": Entry("10/h", "So many an hour."),
    "%": Entry("3%", "A share: per cent."),
    "ppm": Entry("50ppm", "Millionths: how far a clock is off."),
    "Hz": Entry("440Hz", "Hertz: cycles a second."),
    "kHz": Entry("1kHz", "Kilohertz."),
    "dB": Entry("-6dB", "Decibels: 6 dB less is half the amplitude."),
    "B": Entry("160B", "Bytes."),
    "kB": Entry("64kB", "Thousand bytes."),
    "MB": Entry("1MB", "Million bytes."),
}


def _passed(word: str, what: str, source: str) -> Entry:
    return Entry(
        word, f"{what}. It only passes through: files of its frames are sent, what comes is counted.", source=source
    )


WORDS = {
    "codecs": {
        "pcmu": Entry("pcmu", "G.711 µ-law, 8 kHz, 64 kbit/s.", source="RFC 3551 section 4.5.14"),
        "pcma": Entry("pcma", "G.711 A-law, 8 kHz, 64 kbit/s.", source="RFC 3551 section 4.5.14"),
        "opus": Entry("opus", "Opus, 48 kHz.", source="RFC 6716, RFC 7587"),
        "g722": Entry("g722", "G.722, 16 kHz of audio behind a clock rate of 8000.", source="RFC 3551 section 4.5.2"),
        "l16": Entry("l16", "Samples of 16 bits, not compressed.", source="RFC 3551 section 4.5.11"),
        "gsm": _passed("gsm", "GSM full rate", "RFC 3551 section 4.5.8"),
        "g729": _passed("g729", "G.729 without annex B", "RFC 3551 section 4.5.6"),
        "g729b": _passed("g729b", "G.729 with annex B, comfort noise in its own frames", "RFC 3551 section 4.5.6"),
        "g723": _passed("g723", "G.723.1, 30 ms a frame", "RFC 3551 section 4.5.3"),
        "ilbc": _passed("ilbc", "iLBC, 30 ms a frame", "RFC 3952"),
        "ilbc20": _passed("ilbc20", "iLBC, 20 ms a frame", "RFC 3952"),
        "amr": _passed("amr", "AMR, 8 kHz", "RFC 4867"),
        "amr_wb": _passed("amr_wb", "AMR-WB, 16 kHz", "RFC 4867"),
        "cn": Entry(
            "cn", "Comfort noise in the place of silence, beside pcmu, pcma, g722 or l16 at 8 kHz.", source="RFC 3389"
        ),
    },
    "dtmf_mode": {
        "rfc4733": Entry("rfc4733", "Telephone events in RTP.", source="RFC 4733"),
        "info": Entry("info", "INFO requests in the call.", source="RFC 6086"),
        "inband": Entry("inband", "Tones in the audio.", source="ITU-T Q.23"),
    },
    "srtp": {
        "off": Entry("off", "Media is not encrypted."),
        "optional": Entry("optional", "Encrypted when the peer does it, too."),
        "required": Entry("required", "A peer that does not encrypt is refused.", source="RFC 4568"),
        "dtls": Entry("dtls", "Keys come by a DTLS handshake on the media path.", source="RFC 5764, RFC 8122"),
    },
    "suites": {
        "AES_CM_128_HMAC_SHA1_80": Entry(
            "AES_CM_128_HMAC_SHA1_80", "AES in counter mode, tags of 80 bits: everybody has it.", source="RFC 4568"
        ),
        "AES_CM_128_HMAC_SHA1_32": Entry(
            "AES_CM_128_HMAC_SHA1_32", "AES in counter mode, tags of 32 bits.", source="RFC 4568"
        ),
        "AEAD_AES_128_GCM": Entry("AEAD_AES_128_GCM", "AES-GCM with a key of 128 bits.", source="RFC 7714"),
        "AEAD_AES_256_GCM": Entry("AEAD_AES_256_GCM", "AES-GCM with a key of 256 bits.", source="RFC 7714"),
    },
    "listen": {
        "udp": Entry("udp", "SIP over UDP.", source="RFC 3261 section 18"),
        "tcp": Entry("tcp", "SIP over TCP.", source="RFC 3261 section 18"),
        "tls": Entry("tls", "SIP over TLS.", source="RFC 3261 section 26.3.1"),
        "ws": Entry("ws", "SIP over WebSocket.", source="RFC 7118"),
        "wss": Entry("wss", "SIP over WebSocket and TLS.", source="RFC 7118"),
    },
    "provisional": {
        "off": Entry("off", "Provisional responses are not acknowledged."),
        "supported": Entry("supported", "They are when the other side requires it.", source="RFC 3262"),
        "required": Entry("required", "The other side has to do it.", source="RFC 3262"),
    },
    "refresher": {
        "local": Entry("local", "This agent.", source="RFC 4028 section 7.1"),
        "remote": Entry("remote", "The peer.", source="RFC 4028 section 7.1"),
    },
    "hold_style": {
        "direction": Entry("direction", "`a=sendonly`.", source="RFC 3264 section 8.4"),
        "address": Entry("address", "`c=IN IP4 0.0.0.0`.", source="RFC 2543 section B.5"),
    },
    "algorithm": {
        "md5": Entry("md5", "MD5.", source="RFC 7616 section 3.2"),
        "sha256": Entry("sha256", "SHA-256.", source="RFC 8760"),
        "sha512_256": Entry("sha512_256", "SHA-512/256.", source="RFC 8760"),
    },
    "qop": {
        "auth": Entry("auth", "Method and URI.", source="RFC 7616 section 3.4.3"),
        "auth_int": Entry("auth_int", "Method, URI and body: `auth-int`.", source="RFC 7616 section 3.4.3"),
        "none": Entry("none", "No `qop` in the challenge.", source="RFC 2069"),
    },
    "arrivals": {
        "poisson": Entry("poisson", "As calls of many independent people come."),
        "uniform": Entry("uniform", "At equal distances."),
    },
    "method": {
        "info": Entry("send info", "A request in the call.", "INFO", "RFC 6086", "info"),
        "message": Entry(
            "send message to TARGET { body E }",
            "A text message.",
            "MESSAGE",
            "RFC 3428",
            'message to ${1:target} { body "$0" }',
        ),
        "options": Entry(
            "send options to TARGET",
            "Asks what the peer can do.",
            "OPTIONS",
            "RFC 3261 section 11",
            "options to ${1:target}",
        ),
        "notify": Entry("send notify", "A notification.", "NOTIFY", "RFC 6665", "notify"),
        "subscribe": Entry(
            "send subscribe to TARGET", "Asks for notifications.", "SUBSCRIBE", "RFC 6665", "subscribe to ${1:target}"
        ),
        "publish": Entry(
            "send publish to TARGET", "Publishes a state.", "PUBLISH", "RFC 3903", "publish to ${1:target}"
        ),
        "update": Entry("send update", "Changes the session.", "UPDATE", "RFC 3311", "update"),
    },
    "channels": {
        "stereo": Entry("stereo", "Left what was sent, right what was received, on one time line."),
        "mono": Entry("mono", "Both mixed."),
        "received": Entry("received", "What was received."),
        "sent": Entry("sent", "What was sent."),
    },
}
"""Rules whose words differ, by rule and word."""
WORDS["via"] = WORDS["dtmf_mode"]

MEASUREMENTS = {
    "media.codec": "The codec that is sent, as SDP names it: `PCMU`.",
    "media.ptime": "How much audio a packet carries.",
    "media.codec_received": "The codec of the audio that came last: `PCMU`.",
    "media.mos": "The quality of what was heard, from 1 (bad) to 4.5, by the E-model (ITU-T G.107, G.107.1).",
    "media.mos_listening": "The same without the delay: how it sounds to who only listens (RFC 3611 section 4.7.5).",
    "media.r_factor": "R of the E-model: up to 93.2, for wideband codecs up to 129 (ITU-T G.107, G.107.1).",
    "media.mouth_to_ear": "One-way delay: half the round trip, playout delay, a packet time, the encoder's.",
    "media.loss": "The share of the packets that did not come (RFC 3550 section 6.4.1).",
    "media.loss_burst": "How many packets in a row did not come, at most.",
    "media.bursts": "How many stretches of heavy loss there were (RFC 3611 section 4.7.2).",
    "media.burst_length": "Their mean length.",
    "media.burst_density": "The share that was lost within them.",
    "media.gap_length": "The mean length of the stretches between bursts (RFC 3611 section 4.7.2).",
    "media.gap_density": "The share that was lost within those.",
    "media.burst_ratio": "How long losses last against losses at random: 1 when they are (ITU-T G.107 section 7.5).",
    "media.gap": "The longest time between two packets.",
    "media.jitter": "How unevenly packets came (RFC 3550 section 6.4.1).",
    "media.jitter_max": "The largest jitter of the call.",
    "media.concealed": "How much audio was made up because it had not come.",
    "media.lateness": "How late our own packets left, at most.",
    "media.delay": "How long received audio waits before it is played.",
    "media.skew": "How fast (or, negative, slow) the peer's RTP clock runs against ours.",
    "media.one_way": "Whether nothing came although both directions were open.",
    "media.peak": "The largest sample heard, of full scale.",
    "media.clipping": "The share of samples at the codec's largest value.",
    "media.silence": "The longest time in a row in which what was heard stayed below -50 dBov.",
    "media.silence_share": "The share of the time in which that was so.",
    "media.remote_loss": "The share of our packets that the peer missed lately, by its report (RFC 3550 6.4.1).",
    "media.remote_jitter": "How unevenly our packets came to the peer, as it reports (RFC 3550 section 6.4.1).",
    "media.remote_discarded": "The share of our packets that came to the peer too late to be heard (RFC 3611 4.7).",
    "media.remote_burst_density": "The share of our packets that the peer missed within bursts (RFC 3611 4.7).",
    "media.remote_burst_length": "The mean length of the bursts in which the peer missed packets (RFC 3611 4.7).",
    "media.remote_gap_length": "The mean time between bursts, as the peer reports (RFC 3611 section 4.7).",
    "media.remote_delay": "What the peer's own side adds to the delay: its jitter buffer and codec (RFC 3611 4.7).",
    "media.remote_buffer": "The nominal delay of the peer's jitter buffer (RFC 3611 section 4.7.7).",
    "media.remote_mos": "The conversational MOS that the peer reports (RFC 3611 section 4.7.5), if it knows it.",
    "media.remote_r_factor": "The R factor that the peer reports (RFC 3611 section 4.7.5), if it knows it.",
    "media.level": "How loud the received audio is, below full scale.",
    "media.level_left": "How loud its left channel is, where two are heard (`codecs opus stereo`).",
    "media.level_right": "How loud its right channel is, where two are heard (`codecs opus stereo`).",
    "media.round_trip": "The time to the peer and back, from RTCP reports (RFC 3550 section 6.4.1).",
    "media.packets_sent": "Packets that were sent.",
    "media.packets_received": "Packets that came.",
    "media.packets_lost": "Packets that did not come.",
    "media.packets_late": "Packets that came too late to be played.",
    "media.reordered": "Packets that were overtaken.",
    "media.duplicates": "Packets that came twice.",
    "media.noise_received": "Descriptions of comfort noise that came in the place of silence (RFC 3389).",
    "media.noise_sent": "Descriptions of comfort noise that were sent in the place of silence.",
    "media.junk": "Packets that were no RTP of this call.",
    "media.digits": "The digits that came so far.",
    "media.srtp": "The crypto suite by which media is protected: AES_CM_128_HMAC_SHA1_80. Not measured on plain RTP.",
    "media.srtp_failures": "RTP packets of the peer whose authentication failed.",
    "media.srtcp_failures": "RTCP packets of the peer whose authentication failed.",
    "media.srtp_replays": "Packets that came before, or too late for the replay window.",
    "media.srtp_rekeys": "How often the peer's packets came under new keys.",
    "sip.setup_time": "From the INVITE to the answer (2xx).",
    "sip.ring_time": "From the INVITE to the first 18x.",
    "sip.duration": "From the answer to the end of the call, or until now (RFC 6076 section 4.5).",
    "sip.code": "The code of the latest final response to the INVITE.",
}
"""What the measurements of a call are."""

MESSAGE_WORDS = {
    "method": "The method of the message.",
    "code": "The status code of the response.",
    "body": "The body of the message.",
}
"""What a condition behind `where` sees."""

KIND_WORDS = {
    Unit.MILLISECOND: "duration",
    Unit.PERCENT: "share",
    Unit.PARTS_PER_MILLION: "deviation",
    Unit.DECIBEL: "level",
    Unit.HERTZ: "frequency",
    Unit.PER_SECOND: "rate",
    Unit.BYTE: "size",
    "string": "text",
    "number": "number",
    "truth value": "true or false",
    "regular expression": "regular expression",
}
"""Kinds of values in one word."""
