"""SF2xx: names, kinds and units."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF201",
        "a name that is taken",
        "Agents, calls of a lane and variables of the file each have a name of their own.",
    ),
    Code(
        "SF202",
        "an agent that nothing drives",
        "The agent has no lane, so sipflow does not play it, and no address, so nobody else can be reached as "
        "it. Give it a lane, or an address.",
    ),
    Code(
        "SF203",
        "an unknown agent",
        "A target without quotes is the name of an agent: one that is declared, or one that a lane drives. "
        "Addresses stand in quotes.",
    ),
    Code(
        "SF204",
        "an unknown call",
        "Calls get their names from `as NAME`, in the lane that has the call.",
    ),
    Code(
        "SF205",
        "an unknown variable",
        "Variables come from `let` (at the top of the file, or before this statement in the lane), from `as "
        "NAME` after `matching`, or from `--var`.",
    ),
    Code(
        "SF206",
        "an unknown measurement or function",
        "Nothing of this name is measured on a call.",
    ),
    Code(
        "SF207",
        "a unit is missing",
        "Durations, frequencies, rates and shares have units, since 5 could be seconds or milliseconds: `5s`, "
        "`20ms`, `440Hz`, `3%`, `-6dB`.",
    ),
    Code(
        "SF208",
        "a value of the wrong kind",
        "The statement needs another kind of value than it is given.",
    ),
    Code(
        "SF209",
        "an unknown unit",
        "Units are `ms s m h`, `/s /m /h`, `%`, `Hz kHz`, `dB`, `B kB MB`.",
    ),
    Code(
        "SF210",
        "an unknown codec",
        "The codec is not one that sipflow knows.",
    ),
    Code(
        "SF211",
        "an unknown word for a setting",
        "The setting takes one of a few words.",
    ),
    Code(
        "SF212",
        "a wrong address or port",
        '`listen` takes `"HOST:PORT"`; ports are numbers from 0 (a free one) to 65535. A range of media ports '
        "needs two ports at least, lowest first.",
    ),
    Code(
        "SF213",
        "given twice",
        "It can be said once only; the second would silently win otherwise.",
    ),
    Code(
        "SF214",
        "a remote agent has no lane",
        '`agent NAME = "sip:…"` names somebody whom sipflow does not play. Declare it with `{ … }` to drive it.',
    ),
    Code(
        "SF215",
        "a clause that does not belong here",
        "The statement has no use for this clause: only what waits takes `within`, only what acts on a call "
        "takes `on`.",
    ),
    Code(
        "SF216",
        "a wrong header name",
        "Names of header fields are made of letters, digits and `- . ! % * _ + ~` (RFC 3261 section 25.1).",
    ),
    Code(
        "SF217",
        "a wrong status code",
        "Responses have codes from 100 to 699; a rejection has one from 300 on.",
    ),
    Code(
        "SF218",
        "a value that must be constant",
        "This is needed before anything runs, so it cannot depend on a variable.",
    ),
    Code(
        "SF219",
        "no SIP address",
        "A target in quotes is a SIP URI (`sip:user@host`) or `user@host`.",
    ),
    Code(
        "SF224",
        "an unknown label",
        "`goto NAME` and `recover at NAME` lead to a `label NAME` of the same lane, or of the same definition.",
        "Without the place the lane would have nowhere to go on.",
        "on alice { call bob; goto finish; label finsh; release }\non bob: answer; expect hangup\n",
        "on alice { call bob; goto finish; label finish; release }\non bob: answer; expect hangup\n",
    ),
    Code(
        "SF225",
        "a jump to where it may not lead",
        "A jump cannot come into a `repeat` from outside, whose rounds are counted from its beginning, nor deeper into "
        "an `else` than it stands: on its way nothing has failed that a `recover` there could provide for.",
        "The graph of such a program would count rounds that nobody began, or recover from a failure that never was.",
        "on alice {\n  call bob\n  goto again\n  repeat 3 times { label again; wait 1s }\n  release\n}\n"
        "on bob: answer; expect hangup\n",
        "on alice {\n  call bob\n  label again\n  repeat 3 times { wait 1s }\n  check media.loss < 1% else {"
        " recover at again }\n  release\n}\non bob: answer; expect hangup\n",
    ),
    Code(
        "SF226",
        "a `goto` that comes back to itself",
        "Between the `label` and the `goto` there is no statement that does anything.",
        "The lane would go round for ever, in no time.",
        "on alice { call bob; label again; goto again }\non bob: answer\n",
        "on alice { call bob; label again; wait 1s; goto again }\non bob: answer\n",
    ),
    Code(
        "SF227",
        "`break` or `continue` outside of a loop",
        "`break` leaves the innermost `repeat` or `while`, `continue` begins its next round. The loop stands in the "
        "same lane or definition: one around the call of a definition is not meant.",
        "There is no loop that could be left.",
        "on alice { call bob; break; release }\non bob: answer; expect hangup\n",
        "on alice { call bob; repeat 3 times { wait 1s; if media.mos < 4 { break } }; release }\n"
        "on bob: answer; expect hangup\n",
    ),
    Code(
        "SF228",
        "a `choose` without an event",
        "A `choose` waits for the first of some events; an arm for `timeout` alone is a `wait`.",
        "It would let its whole time pass, whatever happens.",
        'on alice { call bob; choose within 1s { timeout => log "over" } }\non bob: answer\n',
        'on alice { call bob; choose within 1s { hangup => end; timeout => log "over" } }\non bob: answer\n',
    ),
    Code(
        "SF254",
        "`define` is not in this version",
        "Named sequences will come with a later version.",
    ),
    Code(
        "SF255",
        "`import` is not in this version",
        "Parts of other files will come with a later version.",
    ),
    Code(
        "SF256",
        "`data` is not in this version",
        "Rows of data will come with a later version; `--var` sets variables from outside.",
    ),
    Code(
        "SF257",
        "`load` is not in this version",
        "Load runs will come with a later version.",
    ),
    Code(
        "SF258",
        "registration is not in this version",
        "REGISTER and digest will come with a later version.",
    ),
    Code(
        "SF259",
        "`send raw` is not in this version",
        "Sending bytes as written will come with a later version.",
    ),
    Code(
        "SF260",
        "SRTP is not in this version",
        "Only `srtp off` runs: calling a plain call a secure one would be a lie.",
    ),
    Code(
        "SF261",
        "this transport is not in this version",
        "Only `listen udp` runs.",
    ),
    Code(
        "SF262",
        "this way of sending digits is not in this version",
        "Only `rfc4733` runs.",
    ),
    Code(
        "SF263",
        "`auth` is not in this version",
        "Digest will come with a later version.",
    ),
    Code(
        "SF264",
        "`expect heard` is not in this version",
        "Recognising a prompt in what is received will come with a later version.",
    ),
    Code(
        "SF265",
        "`expect tone` is not in this version",
        "Tone detection will come with a later version.",
    ),
    Code(
        "SF266",
        "`expect silence` is not in this version",
        "Judging the level of what is received will come with a later version.",
    ),
    Code(
        "SF267",
        "`expect audio` is not in this version",
        "Judging the level of what is received will come with a later version.",
    ),
    Code(
        "SF268",
        "this codec is not in this version",
        "Only PCMU and PCMA run; an offer without a codec that the file asks for would test something else.",
    ),
    Code(
        "SF269",
        "`play dtmf` is not in this version",
        "Digits as audio will come with a later version; `send dtmf` sends them by RFC 4733.",
    ),
    Code(
        "SF270",
        "`secret` is not in this version",
        "Redaction comes with a later version; a value that is marked secret and shown all the same would be worse.",
    ),
)
