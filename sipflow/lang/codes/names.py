"""SF2xx: names, kinds and units."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF201",
        "a name that is taken",
        "Agents, calls of a lane and variables of the file each have a name of their own.",
        why="With two things of one name nobody could say which of them a statement means, and a change to one of "
        "them might have no effect.",
        example="""\
agent bob { number 1001 }
agent bob { number 1002 }
on alice: call bob
on bob: answer
""",
        instead="""\
agent bob { number 1001 }
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF202",
        "an agent that nothing drives",
        "The agent has no lane, so sipflow does not play it, and no address, so nobody else can be reached as "
        "it. Give it a lane, or an address.",
        why="A call to such an agent has nowhere to go: it would fail in every run with a time-out that says nothing "
        "about the cause.",
        example="""\
agent carol { number 1003 }
on alice: call carol
""",
        instead="""\
agent carol { uri "sip:1003@pbx.example.com" }
on alice: call carol
""",
    ),
    Code(
        "SF203",
        "an unknown agent",
        "A target without quotes is the name of an agent: one that is declared, or one that a lane drives. "
        "Addresses stand in quotes.",
        why="The name might be a typing mistake, or an agent of another file; in both cases the INVITE would have no "
        "address.",
        example="""\
on alice: call bbo
on bob: answer
""",
        instead="""\
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF204",
        "an unknown call",
        "Calls get their names from `as NAME`, in the lane that has the call.",
        why="In a lane with several calls the name decides which one is held, released or measured; the wrong one "
        "would give a verdict about another call.",
        example="""\
on alice: call bob as first; release frist
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob as first; release first
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF205",
        "an unknown variable",
        "Variables come from `let` (at the top of the file, or before this statement in the lane), from `as "
        "NAME` after `matching`, or from `--var`.",
        why="Without a value the statement can neither be carried out nor judged: it would fail in every run.",
        example="""\
let greeting = "hello"
on alice: call bob; log greting
on bob: answer; log greeting
""",
        instead="""\
let greeting = "hello"
on alice: call bob; log greeting
on bob: answer; log greeting
""",
    ),
    Code(
        "SF206",
        "an unknown measurement or function",
        "Nothing of this name is measured on a call.",
        why="A condition about something that is never measured can neither hold nor fail; such a `check` would stop "
        "every run with nothing to judge.",
        example="""\
on alice: call bob; check media.los < 1%
on bob: answer
""",
        instead="""\
on alice: call bob; check media.loss < 1%
on bob: answer
""",
    ),
    Code(
        "SF207",
        "a unit is missing",
        "Durations, frequencies, rates and shares have units, since 5 could be seconds or milliseconds: `5s`, "
        "`20ms`, `440Hz`, `3%`, `-6dB`.",
        why="Tools differ in what a bare number means, and a time limit that is wrong by a factor of a thousand "
        "passes or fails for a reason that nobody sees.",
        example="""\
on alice: call bob; wait 5
on bob: answer
""",
        instead="""\
on alice: call bob; wait 5s
on bob: answer
""",
    ),
    Code(
        "SF208",
        "a value of the wrong kind",
        "The statement needs another kind of value than it is given.",
        why="Values are never turned into another kind in silence: a text that is compared with a number, or a "
        "percentage that is taken for a time, would give a verdict by accident.",
        example="""\
on alice: call bob; wait 3%
on bob: answer
""",
        instead="""\
on alice: call bob; wait 3s
on bob: answer
""",
    ),
    Code(
        "SF209",
        "an unknown unit",
        "Units are `ms s m h`, `/s /m /h`, `%`, `Hz kHz`, `dB`, `B kB MB`.",
        why="The number would have no size. The nearest unit is offered as a fix.",
        example="""\
on alice: call bob; wait 200msec
on bob: answer
""",
        instead="""\
on alice: call bob; wait 200ms
on bob: answer
""",
    ),
    Code(
        "SF210",
        "an unknown codec",
        "The codec is not one that sipflow knows.",
        why="The codec would be missing in the offer, and the call would be made with another one than the test is "
        "about.",
        example="""\
agent alice { codecs pcmu, pmca }
on alice: call bob
on bob: answer
""",
        instead="""\
agent alice { codecs pcmu, pcma }
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF211",
        "an unknown word for a setting",
        "The setting takes one of a few words.",
        why="An agent whose setting is not understood would run with the default, and the test would be about "
        "something else.",
        example="""\
agent alice { dtmf rfc2833 }
on alice: call bob
on bob: answer
""",
        instead="""\
agent alice { dtmf rfc4733 }
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF212",
        "a wrong address or port",
        '`listen` takes `"HOST:PORT"`; ports are numbers from 0 (a free one) to 65535. A range of media ports '
        "needs two ports at least, lowest first.",
        why="No socket can be opened there: the run would end before the first packet.",
        example="""\
agent alice { listen udp "127.0.0.1:70000" }
on alice: call bob
on bob: answer
""",
        instead="""\
agent alice { listen udp "127.0.0.1:5060" }
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF213",
        "given twice",
        "It can be said once only; the second would silently win otherwise.",
        why="Whoever reads the first of the two would be wrong about what the test does.",
        example="""\
on alice: call bob within 5s within 6s
on bob: answer
""",
        instead="""\
on alice: call bob within 6s
on bob: answer
""",
    ),
    Code(
        "SF214",
        "a remote agent has no lane",
        '`agent NAME = "sip:…"` names somebody whom sipflow does not play. Declare it with `{ … }` to drive it.',
        why="sipflow has no socket for a remote party, so nothing in the lane could be done.",
        example="""\
agent pbx = "sip:pbx.example.com"
on pbx: answer
on alice: call pbx
""",
        instead="""\
agent pbx { uri "sip:pbx@pbx.example.com" }
on pbx: answer
on alice: call pbx
""",
    ),
    Code(
        "SF215",
        "a clause that does not belong here",
        "The statement has no use for this clause: only what waits takes `within`, only what acts on a call "
        "takes `on`.",
        why="The clause would have no effect, although its author counts on one.",
        example="""\
on alice: call bob; mute within 5s
on bob: answer
""",
        instead="""\
on alice: call bob; mute
on bob: answer
""",
    ),
    Code(
        "SF216",
        "a wrong header name",
        "Names of header fields are made of letters, digits and `- . ! % * _ + ~` (RFC 3261 section 25.1).",
        why="The message would not be SIP: the peer would drop it or answer 400, and the test would be about that. A "
        "blank is the usual mistake.",
        example="""\
on alice: call bob with { header "X Tenant" = "blue" }
on bob: answer
""",
        instead="""\
on alice: call bob with { header "X-Tenant" = "blue" }
on bob: answer
""",
    ),
    Code(
        "SF217",
        "a wrong status code",
        "Responses have codes from 100 to 699; a rejection has one from 300 on.",
        why="Such a response can be neither sent nor received: below 100 and above 699 there is none, and a rejection"
        " of 2xx would be an answer.",
        example="""\
on alice: dial bob; expect rejected 486
on bob: reject 86
""",
        instead="""\
on alice: dial bob; expect rejected 486
on bob: reject 486
""",
    ),
    Code(
        "SF218",
        "a value that must be constant",
        "This is needed before anything runs, so it cannot depend on a variable.",
        why="Sockets, codecs and time limits are set before the first statement runs and the first variable gets its "
        "value.",
        example="""\
let patience = 5s
timeout patience
on alice: call bob
on bob: answer
""",
        instead="""\
timeout 5s
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF219",
        "no SIP address",
        "A target in quotes is a SIP URI (`sip:user@host`) or `user@host`.",
        why="The INVITE would have no valid request URI. Other schemes, `tel:` and `http:` among them, do not say "
        "where to send it.",
        example="""\
on alice: call "bob at home"
""",
        instead="""\
on alice: call "bob@192.0.2.10"
""",
    ),
    Code(
        "SF220",
        "an unknown definition",
        "A name with parentheses behind it is the call of a `define` of this file, or of one that it imports.",
        why="The steps that were meant would be missing from the test.",
        example="""\
define greet(file) { play file }
on alice: call bob; gret("greet.wav")
on bob: answer
""",
        instead="""\
define greet(file) { play file }
on alice: call bob; greet("greet.wav")
on bob: answer
""",
    ),
    Code(
        "SF221",
        "a wrong number of arguments",
        "A definition or a function takes as many values as it has parameters.",
        why="A parameter without a value would leave a hole in every statement that uses it.",
        example="""\
define press(digits, pause) { send dtmf digits; wait pause }
on alice: call bob; press("1")
on bob: answer
""",
        instead="""\
define press(digits, pause) { send dtmf digits; wait pause }
on alice: call bob; press("1", 1s)
on bob: answer
""",
    ),
    Code(
        "SF222",
        "a definition that calls itself",
        "The body of a definition is inserted where it is called, so it cannot contain itself, by way of "
        "others either.",
        why="Inserting it would never end. What is to be done again stands in a `repeat` or a `while`.",
        example="""\
define again() { wait 1s; again() }
on alice: call bob; again()
on bob: answer
""",
        instead="""\
define again() { repeat 3 times { wait 1s } }
on alice: call bob; again()
on bob: answer
""",
    ),
    Code(
        "SF223",
        "definitions that become too large",
        "All calls of definitions together become 20,000 statements at most, lie at most 110 levels deep in "
        "each other, and their arguments stay short.",
        why="Definitions that call others several times grow with every level; a program of a few lines could "
        "fill the memory.",
        example="""\
define d1() { wait 1s; wait 1s; wait 1s; wait 1s; wait 1s; wait 1s; wait 1s; wait 1s; wait 1s; wait 1s }
define d2() { d1(); d1(); d1(); d1(); d1(); d1(); d1(); d1(); d1(); d1() }
define d3() { d2(); d2(); d2(); d2(); d2(); d2(); d2(); d2(); d2(); d2() }
define d4() { d3(); d3(); d3(); d3(); d3(); d3(); d3(); d3(); d3(); d3() }
on alice: call bob; d4(); d4()
on bob: answer
""",
        instead="""\
define second() { wait 1s }
on alice: call bob; repeat 20000 times { second() }
on bob: answer
""",
    ),
    Code(
        "SF224",
        "an unknown label",
        "`goto NAME` and `recover at NAME` lead to a `label NAME` of the same lane, or of the same definition.",
        why="Without the place the lane would have nowhere to go on.",
        example="""\
on alice { call bob; goto finish; label finsh; release }
on bob: answer; expect hangup
""",
        instead="""\
on alice { call bob; goto finish; label finish; release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF225",
        "a jump to where it may not lead",
        "A jump cannot come into a `repeat` from outside, whose rounds are counted from its beginning, nor deeper "
        "into an `else` than it stands: on its way nothing has failed that a `recover` there could provide for.",
        why="The graph of such a program would count rounds that nobody began, or recover from a failure that never "
        "was.",
        example="""\
on alice {
  call bob
  goto again
  repeat 3 times { label again; wait 1s }
  release
}
on bob: answer; expect hangup
""",
        instead="""\
on alice {
  call bob
  label again
  repeat 3 times { wait 1s }
  check media.loss < 1% else { recover at again }
  release
}
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF226",
        "a `goto` that comes back to itself",
        "Between the `label` and the `goto` there is no statement that does anything.",
        why="The lane would go round for ever, in no time.",
        example="""\
on alice { call bob; label again; goto again }
on bob: answer
""",
        instead="""\
on alice { call bob; label again; wait 1s; goto again }
on bob: answer
""",
    ),
    Code(
        "SF227",
        "`break` or `continue` outside of a loop",
        "`break` leaves the innermost `repeat` or `while`, `continue` begins its next round. The loop stands in "
        "the same lane or definition: one around the call of a definition is not meant.",
        why="There is no loop that could be left.",
        example="""\
on alice { call bob; break; release }
on bob: answer; expect hangup
""",
        instead="""\
on alice { call bob; repeat 3 times { wait 1s; if media.mos < 4 { break } }; release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF228",
        "a `choose` without an event",
        "A `choose` waits for the first of some events; an arm for `timeout` alone is a `wait`.",
        why="It would let its whole time pass, whatever happens.",
        example="""\
on alice { call bob; choose within 1s { timeout => log "over" } }
on bob: answer
""",
        instead="""\
on alice { call bob; choose within 1s { hangup => end; timeout => log "over" } }
on bob: answer
""",
    ),
    Code(
        "SF229",
        "a file that cannot be imported",
        "The file of an `import` is looked for beside the file that imports it.",
        why="Its agents, definitions, variables and tables would be missing.",
        example="""\
import "comon.sflow"
on alice: call bob; shared()
on bob: answer
""",
        instead="""\
import "common.sflow"
on alice: call bob; shared()
on bob: answer
""",
    ),
    Code(
        "SF230",
        "an unknown column",
        "The names of the columns stand in the first line of the CSV file of a `data`.",
        why="There would be no value to put in its place, in none of the runs.",
        example="""\
data users from "users.csv"
on alice: call "sip:${users.nummer}@example.com"
""",
        instead="""\
data users from "users.csv"
on alice: call "sip:${users.number}@example.com"
""",
    ),
    Code(
        "SF231",
        "a table that cannot be read",
        "The file of a `data` is a CSV file in UTF-8: a line with the names of the columns, then a line for each row.",
        why="Without its rows no run could begin.",
        example="""\
data users from "user.csv"
on alice: call bob; log users.number
on bob: answer
""",
        instead="""\
data users from "users.csv"
on alice: call bob; log users.number
on bob: answer
""",
    ),
    Code(
        "SF232",
        "a table without rows",
        "A run takes one row of each table, and this one has none.",
        why="No run could begin.",
        example="""\
data users from "empty.csv"
on alice: call bob; log users.number
on bob: answer
""",
        instead="""\
data users from "users.csv"
on alice: call bob; log users.number
on bob: answer
""",
    ),
    Code(
        "SF233",
        "a secret in the file",
        "`secret E` keeps the value of E out of reports and logs. A constant stands in the file all the same.",
        why="Scenario files are shared and versioned; whoever has the file has the secret.",
        example="""\
on alice { call bob; send message to bob { header "X-Token" = secret "4711"; body "hello" } }
on bob: answer; expect message
""",
        instead="""\
on alice { call bob; send message to bob { header "X-Token" = secret env.TOKEN; body "hello" } }
on bob: answer; expect message
""",
    ),
    Code(
        "SF234",
        "a broken rule that does not fit",
        "`no ack` leaves out the ACK of an INVITE, and `late offer` the session description of the INVITE that begins "
        "a call. A statement that sends no such INVITE can do neither.",
        why="The message would be like any other, and the test would prove that the right thing is taken well.",
        example="""\
on alice { call bob; release with { no ack } }
on bob: answer; expect hangup
""",
        instead="""\
on alice { call bob with { no ack }; release }
on bob: answer else recover
""",
    ),
    Code(
        "SF235",
        "a session timer that is too short",
        "Session timers are 90 seconds at least (RFC 4028 section 5), and not shorter than the `min` beside them.",
        why="The peer would refuse the call with 422. Tests of that say so in the one message that breaks the rule.",
        example="""\
agent alice { session timer 60s }
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
agent alice { session timer 90s }
on alice: call bob; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF236",
        "TLS without its certificates",
        "Who listens by TLS shows a certificate; a key is the key of a certificate; certificates of clients are judged "
        "by those of `ca`.",
        why="No handshake could succeed, or the key would be left unused in silence.",
        example="""\
agent alice { listen tls }
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
agent alice {
  listen    tls
  tls       { certificate "alice.pem"; key "alice.key" }
}

on alice: call bob; release
on bob: answer; expect hangup
""",
    ),
)
