"""The parts of a file, the settings of an agent, the load block."""

from __future__ import annotations

from sipflow.lsp.knowledge.entry import Entry

PARTS = {
    "file": Entry("PART …", "A scenario: who takes part in a test, and what each of them does."),
    "broken": Entry("…", "This was not understood; the diagnostic at its beginning says why."),
    "scenario": Entry(
        'scenario "NAME" [tagged TAG, …]',
        "The name of the test in every report, and tags to choose tests by.",
        snippet='scenario "${1:name}"',
    ),
    "timeout": Entry(
        "timeout D",
        "The time limit of everything that waits and has no `within` of its own. Without this line it is 10 s.",
        snippet="timeout ${1:10s}",
    ),
    "let_top": Entry(
        "let NAME = E",
        "A variable of the whole file. `--var NAME=VALUE` replaces its value.",
        snippet="let ${1:name} = ${2:value}",
    ),
    "define": Entry(
        "define NAME(PARAMETER, …) { … }",
        "A sequence with a name. `NAME(ARGUMENT, …)` puts it in, with the arguments in place of the parameters.",
        snippet="define ${1:name}(${2:parameter}) {\n\t$0\n}",
    ),
    "import_file": Entry(
        'import "FILE"',
        "Brings definitions, agents, variables and tables of another file in, and what that file imports. Its lanes, "
        "its name and its time limit are left out.",
        snippet='import "${1:common.sflow}"',
    ),
    "data": Entry(
        'data NAME from "FILE" [in order | random | once]',
        "A table: a CSV file whose first line names the columns. A run takes one row: `${NAME.column}`. `in order` "
        "begins again at the end, `random` follows the seed, `once` takes no row twice.",
        snippet='data ${1:users} from "${2:users.csv}"',
    ),
    "agent": Entry(
        "agent NAME { SETTING … }",
        "Somebody who takes part. Every setting is optional; a lane `on NAME` says what the agent does.",
        snippet="agent ${1:name} {\n\t$0\n}",
    ),
    "remote_agent": Entry(
        'agent NAME = "sip:…"',
        "Somebody whom the file only names: sipflow does not play this agent, so it has no lane.",
        source="RFC 3261 section 19.1",
    ),
    "lane": Entry(
        "on AGENT { … }",
        "What an agent does, one statement after the other. Lanes run at the same time; one agent may have several.",
        snippet="on ${1:agent} {\n\t$0\n}",
    ),
    "block": Entry("{ … }", "Statements, one after the other, each on its line or behind a `;`."),
}

SETTINGS = {
    "number": Entry(
        "number E",
        "The user part of the agent's address. Without it, that is the agent's name.",
        source="RFC 3261 section 19.1.1",
        snippet="number ${1:1001}",
    ),
    "uri": Entry(
        'uri "sip:…"',
        "The agent's whole address of record.",
        source="RFC 3261 section 19.1",
        snippet='uri "sip:${1:user}@${2:host}"',
    ),
    "listen": Entry(
        'listen TRANSPORT ["HOST:PORT"]',
        "Where the agent takes SIP; repeatable. Without it: UDP, on the loopback address, at a free port.",
        source="RFC 3261 section 18",
        snippet='listen ${1:udp} "${2:127.0.0.1:5060}"',
    ),
    "proxy": Entry(
        'proxy "sip:…" | proxy AGENT',
        "Where the agent's requests go first, and where it registers: its outbound proxy, or an agent of the file.",
        source="RFC 3261 section 8.1.2",
        snippet='proxy "sip:${1:proxy}"',
    ),
    "register_every": Entry(
        "register every D",
        "Registers the agent when the run begins, for this time, refreshes it, and takes it back at the end.",
        "REGISTER",
        "RFC 3261 section 10",
        snippet="register every ${1:300s}",
    ),
    "auth": Entry(
        'auth "USER" password E',
        "Name and password for challenges. `secret E` keeps the password out of every output.",
        "401 and 407, then the request with Authorization or Proxy-Authorization",
        "RFC 8760, RFC 3261 section 22",
        snippet='auth "${1:user}" password secret env.${2:SIP_PASSWORD}',
    ),
    "codecs": Entry(
        "codecs CODEC, …",
        "What the agent offers and accepts, in the order of its preference. Without it: PCMU, then PCMA.",
        "the `m=audio` line of the session description",
        "RFC 3264 section 5.1, RFC 3551 section 6",
        snippet="codecs $0",
    ),
    "two_channels": Entry(
        "opus stereo",
        "Opus in two channels: the peer is asked for left and right, and they are heard and recorded apart.",
        "`a=fmtp` with `stereo=1;sprop-stereo=1`",
        "RFC 7587 section 7.1",
        snippet="stereo",
    ),
    "ptime": Entry(
        "ptime D",
        "How much audio one packet carries, 20 ms without it.",
        "`a=ptime`",
        "RFC 8866 section 6.4",
        snippet="ptime ${1:20ms}",
    ),
    "dtmf_mode": Entry(
        "dtmf rfc4733 | info | inband",
        "How the agent sends digits: as telephone events, as INFO requests, or as tones in its audio.",
        source="RFC 4733",
        snippet="dtmf $0",
    ),
    "srtp": Entry(
        "srtp off | optional | required | dtls [SUITE, …]",
        "Whether media is encrypted, and by which crypto suites.",
        "RTP/AVP or RTP/SAVP with `a=crypto` (optional, required), UDP/TLS/RTP/SAVP with `a=fingerprint` (dtls)",
        "RFC 3711, RFC 4568, RFC 7714, RFC 5764",
        snippet="srtp $0",
    ),
    "suites": Entry(
        "SUITE, …",
        "The crypto suites that are offered and taken, in the order of preference.",
        "an `a=crypto` line for each",
        "RFC 4568 section 6.2, RFC 7714",
    ),
    "header": Entry(
        'header "NAME" = E',
        "A header field: of every request that the agent sends, or of the one message that the block belongs to.",
        source="RFC 3261 section 7.3",
        snippet='header "${1:X-Id}" = ${2:value}',
    ),
    "media": Entry(
        "media { ports N-N; jitter adaptive D..D; rtcp mux }",
        "The agent's RTP ports, its jitter buffer, and whether RTCP shares the port of RTP.",
        source="RFC 3550",
        snippet="media { ports ${1:20000}-${2:29999} }",
    ),
    "ports": Entry(
        "ports FIRST-LAST",
        "The ports that the agent's RTP may use.",
        source="RFC 3550 section 11",
        snippet="ports ${1:20000}-${2:29999}",
    ),
    "jitter_buffer": Entry(
        "jitter adaptive MIN..MAX | jitter fixed D",
        "How long received audio waits for what is late: between two bounds, by what the network does, or always "
        "alike.",
        snippet="jitter adaptive ${1:20ms}..${2:200ms}",
    ),
    "rtcp_mux": Entry(
        "rtcp mux",
        "Offers RTP and RTCP on one port, `a=rtcp-mux`; RTCP stays on its own where the peer does not answer it.",
        source="RFC 5761",
        snippet="rtcp mux",
    ),
    "rtcp_reduced": Entry(
        "rtcp reduced",
        "Offers RTCP of reduced size, `a=rtcp-rsize`: where the peer answers it, most reports come without a CNAME.",
        source="RFC 5506",
        snippet="rtcp reduced",
    ),
    "latching": Entry(
        "latching",
        "Sends media to where the peer's first packet comes from: behind a NAT it says an address that nobody reaches.",
        source="RFC 4961, RFC 7362",
        snippet="latching",
    ),
    "rtcp_xr": Entry(
        "rtcp xr",
        "Offers VoIP metrics in RTCP, `a=rtcp-xr:voip-metrics`: loss, bursts, delays of what each side heard.",
        source="RFC 3611 section 4.7",
        snippet="rtcp xr",
    ),
}

SERVERS = {
    "tls": Entry(
        'tls { ca "FILE"; certificate "FILE"; key "FILE"; name "HOST"; verify off; client certificate required }',
        "Certificates: those that are trusted, and the agent's own.",
        source="RFC 3261 section 26.3, RFC 5922",
        snippet='tls { certificate "${1:cert.pem}"; key "${2:key.pem}" }',
    ),
    "tls_file": Entry(
        'ca "FILE" | certificate "FILE" | key "FILE"',
        "A PEM file: the certificates that are trusted (those of the system without it), the agent's own certificate, "
        "its key.",
        source="RFC 7468",
    ),
    "server_name": Entry(
        'name "HOST"',
        "The name that is asked for (SNI), and that the peer's certificate must have; the target's host without it.",
        source="RFC 5922, RFC 6066 section 3",
        snippet='name "${1:host}"',
    ),
    "verify_off": Entry("verify off", "Any certificate of the peer will do.", snippet="verify off"),
    "client_certificate": Entry(
        "client certificate required",
        "Whoever connects has to show a certificate that `ca` vouches for.",
        source="RFC 8446 section 4.3.2",
        snippet="client certificate required",
    ),
    "provisional": Entry(
        "provisional reliable off | supported | required",
        "Whether provisional responses are acknowledged, so that they cannot get lost.",
        "`100rel` in Supported or Require, PRACK",
        "RFC 3262",
        snippet="provisional reliable $0",
    ),
    "session_timer": Entry(
        "session timer D [refresher local | remote] [min D] | session timer off",
        "How long a call lasts that nobody refreshes; 90 s at least. Without it calls have no timer.",
        "Session-Expires, re-INVITE or UPDATE",
        "RFC 4028",
        snippet="session timer ${1:1800s}",
    ),
    "refresher": Entry(
        "refresher local | remote",
        "Who refreshes the session; without it the peer may choose.",
        source="RFC 4028 section 7.1",
        snippet="refresher $0",
    ),
    "least_interval": Entry(
        "min D", "Min-SE: the shortest timer that is accepted.", source="RFC 4028 section 5", snippet="min ${1:90s}"
    ),
    "hold_style": Entry(
        "hold by direction | address",
        "How the agent puts calls on hold: by `a=sendonly`, or by the address 0.0.0.0 as old phones do.",
        source="RFC 3264 section 8.4, RFC 2543",
        snippet="hold by $0",
    ),
    "challenge": Entry(
        "challenge realm E user E password E [algorithm A] [qop Q]",
        "The agent asks everybody for a name and a password, and answers what has none or wrong ones with 401.",
        "401 with WWW-Authenticate",
        "RFC 3261 section 22.2, RFC 7616",
        snippet='challenge realm "${1:realm}" user "${2:user}" password secret env.${3:SIP_PASSWORD}',
    ),
    "algorithm": Entry(
        "algorithm md5 | sha256 | sha512_256", "The hash of the digest.", source="RFC 8760", snippet="algorithm $0"
    ),
    "qop": Entry(
        "qop auth | auth_int | none",
        "What the digest protects: the request's first line, its body as well, or as it was before RFC 2617.",
        source="RFC 7616 section 3.3",
        snippet="qop $0",
    ),
    "registrar": Entry(
        "registrar [{ realm E; user E password E; record route; minimum expires D }]",
        "Makes the agent a registrar and a proxy, for tests: it keeps addresses and forwards requests to them.",
        source="RFC 3261 sections 10.3 and 16",
        snippet='registrar { user "${1:alice}" password secret env.${2:SIP_PASSWORD} }',
    ),
    "realm": Entry(
        "realm E",
        "What the credentials are for, in the challenge; the agent's name without it.",
        source="RFC 7616 section 3.3",
        snippet='realm "${1:example.com}"',
    ),
    "user": Entry(
        "user E password E",
        "Somebody who may register and call; repeatable. Without any, nobody is asked for a password.",
        source="RFC 7616",
        snippet='user "${1:alice}" password secret env.${2:SIP_PASSWORD}',
    ),
    "record_route": Entry(
        "record route",
        "The proxy stays in the path of the dialogs that it forwarded.",
        source="RFC 3261 section 16.6",
        snippet="record route",
    ),
    "least_expires": Entry(
        "minimum expires D",
        "Shorter registrations are refused with 423.",
        source="RFC 3261 section 10.3",
        snippet="minimum expires ${1:60s}",
    ),
}
"""Settings of an agent that are blocks, or belong to servers."""

LOAD = {
    "load": Entry(
        "load { … }",
        "The same file as a load test (`sipflow load`): how many calls begin when, and what has to hold.",
        snippet="load {\n\tramp ${1:10/s} to ${2:100/s} over ${3:60s}\n\trequire ${4:calls.success >= 99.5%}\n}",
    ),
    "arrivals": Entry(
        "arrivals uniform | poisson",
        "Whether calls begin at equal distances, or as calls of many independent people do.",
        snippet="arrivals $0",
    ),
    "ramp": Entry(
        "ramp RATE to RATE over D",
        "Goes from one rate of new calls to another.",
        snippet="ramp ${1:10/s} to ${2:100/s} over ${3:60s}",
    ),
    "hold_rate": Entry("hold RATE for D", "Keeps a rate of new calls.", snippet="hold ${1:100/s} for ${2:10m}"),
    "concurrency": Entry(
        "concurrency at most N",
        "No more calls than that at the same time; one that would have been too many is counted, not forgotten.",
        snippet="concurrency at most ${1:1000}",
    ),
    "requirement": Entry(
        "require CONDITION, …",
        "What has to hold for the run to pass: percentiles (`sip.setup_time.p99`), shares (`calls.success`), bounds of "
        "what was measured.",
        snippet="require ${1:calls.success >= 99.5%}",
    ),
}
