"""SF3xx: order of the call flow."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF301",
        "no call yet",
        "The statement acts on a call, and nothing before it in its lane makes or takes one.",
        why="In a run the statement would fail at once, and the lane with it. Usually two lines stand in the wrong "
        "order.",
        example="""\
on alice: play "greet.wav"; call bob
on bob: answer
""",
        instead="""\
on alice: call bob; play "greet.wav"
on bob: answer
""",
    ),
    Code(
        "SF302",
        "never reached",
        "Nothing comes after `end`, `fail` or `recover` in a block.",
        why="Whoever wrote it counts on its being done; in a run it never is.",
        example="""\
on alice: call bob; end; release
on bob: answer
""",
        instead="""\
on alice: call bob; release; end
on bob: answer
""",
    ),
    Code(
        "SF303",
        "`recover` in the wrong place",
        "`recover` is the last statement of an `else`: it says that the failure was provided for.",
        why="Elsewhere there is no failure that `recover` could take back, or statements behind it would run although"
        " the failure is settled.",
        example="""\
on alice: call bob; recover
on bob: answer
""",
        instead="""\
on alice: call bob else { log "busy"; recover }
on bob: answer
""",
    ),
    Code(
        "SF304",
        "nobody sends this signal",
        "`await NAME` waits for a `signal NAME` in another lane. Without one it waits in vain.",
        why="The lane would wait until its time limit and fail, in every run.",
        example="""\
on alice: call bob; await ready
on bob: answer
""",
        instead="""\
on alice: call bob; await ready
on bob: answer; signal ready
""",
    ),
    Code(
        "SF305",
        "nobody waits for this signal",
        "The signal has no effect.",
        why="Perhaps the `await` was forgotten, or one of the two names is mistyped: then lanes that should meet do "
        "not.",
        example="""\
on alice: call bob; signal ready
on bob: answer
""",
        instead="""\
on alice: call bob; signal ready
on bob: answer; await ready
""",
    ),
    Code(
        "SF306",
        "nobody calls this agent",
        "The lane waits for a call, but no statement of the file calls the agent, and its port is not fixed, "
        "so that no one outside can.",
        why="The lane would wait until its time limit and fail. A lane that waits for a call from outside needs a "
        "port that the caller can know.",
        example="""\
on alice: answer
""",
        instead="""\
agent alice { listen udp "127.0.0.1:5060" }
on alice: answer
""",
    ),
    Code(
        "SF307",
        "this file does nothing",
        "There is no lane. A test without statements would pass without testing anything.",
        why="An empty test in a suite that is always green hides that something is not tested, for instance because "
        "its lanes were commented out.",
        example="""\
scenario "to be written"
""",
        instead="""\
scenario "a call"
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF308",
        "the call is over",
        "The statement acts on a call that was released or ended on every way that leads to it.",
        why="In a run it would fail at once. Usually a `release` stands too early, or the lane goes on behind an "
        "`expect hangup` as if the call were still there.",
        example="""\
on alice: call bob; release; play "greet.wav"
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; play "greet.wav"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF309",
        "not answered yet",
        "The statement needs an answered call, or the media of one, and on every way to it the call only rings.",
        why="`dial` goes on at once, `ring` and `expect call` answer nothing: what needs media fails right there. "
        "Early media begins with `progress`.",
        example="""\
on alice: dial bob; play "greet.wav"; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: dial bob; expect answered; play "greet.wav"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF310",
        "lanes that wait for each other",
        "Each of the lanes waits for something that another of them does only behind its own wait, so none of "
        "them can go on.",
        why="All of them would stand still until their time limits are over, and the report would show time-outs "
        "in several places instead of the one mistake in their order.",
        example="""\
on alice: answer; call bob
on bob: answer; call alice
""",
        instead="""\
on alice: call bob; release; answer
on bob: answer; expect hangup; call alice
""",
    ),
    Code(
        "SF311",
        "the other side never does this",
        "The statement waits for something that no lane of the other side does. Both sides are in the file, "
        "so it cannot come.",
        why="The lane would wait until its time limit and fail in every run. When it is to be shown that "
        "something does not come, an `else` with `recover` says so, and this is not reported.",
        example="""\
on alice: call bob; expect held; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; expect held; release
on bob: answer; hold; expect hangup
""",
    ),
    Code(
        "SF312",
        "these digits are never sent",
        "The digits that are expected have one among them that the other side never sends, or not so often.",
        why="The first wrong digit fails an `expect dtmf`, so this one fails in every run.",
        example="""\
on alice: call bob; expect dtmf "5"; release
on bob: answer; send dtmf "1"; expect hangup
""",
        instead="""\
on alice: call bob; expect dtmf "5"; release
on bob: answer; send dtmf "5"; expect hangup
""",
    ),
    Code(
        "SF313",
        "behind a loop without an end",
        "The statement stands behind a `while` whose condition is always true, and no `break` leaves that loop.",
        why="Whoever wrote it counts on its being done; in a run it never is.",
        example="""\
on alice {
  while true { call bob; release; wait 1s }
  log "done"
}
on bob { while true { answer; expect hangup } }
""",
        instead="""\
on alice {
  while true { call bob; release; break }
  log "done"
}
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF314",
        "a condition without a choice",
        "The condition is made of constants and always comes out the same, so that one of the ways is never taken.",
        why="It is fine while something is tried out. Left in a file it makes a test look as if it tested more "
        "than it does.",
        example="""\
on alice { call bob; if false { play "greet.wav" }; release }
on bob: answer; expect hangup
""",
        instead="""\
let polite = true
on alice { call bob; if polite { play "greet.wav" }; release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF315",
        "an arm that is never taken",
        "An earlier arm of the `choose` takes every event that this one waits for: arms are asked in the "
        "order of the text.",
        why="The arm looks like a case that is provided for, and is none.",
        example="""\
on alice {
  call bob
  choose { dtmf => log "any"; dtmf "1" => log "one" }
}
on bob: answer; send dtmf "1"; expect hangup
""",
        instead="""\
on alice {
  call bob
  choose { dtmf "1" => log "one"; dtmf => log "any" }
}
on bob: answer; send dtmf "1"; expect hangup
""",
    ),
    Code(
        "SF316",
        "an event that this call cannot have",
        "`ringing`, `progress`, `answered` and `rejected` are answers to a `dial` of the same lane. An "
        "incoming call has none of them, and `call` takes the answer itself.",
        why="The statement would wait until its time limit and fail in every run.",
        example="""\
on alice: call bob; expect answered; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: dial bob; expect answered; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF317",
        "the end of something that never began",
        "`expect recorded` and `stop record` need a `record` before them, `expect played` a `play … in "
        "background`, `expect response` a `send`, in the same lane.",
        why="The statement would fail in every run: there is nothing whose end could come.",
        example="""\
on alice: call bob; play "greet.wav"; expect played; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; play "greet.wav" in background; expect played; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF318",
        "held twice, or not at all",
        "On every way to this `resume` the lane has not put the call on hold, or on every way to this `hold` "
        "it has already.",
        why="The re-INVITE would be sent and change nothing. Only the side that holds a call can take it back; "
        "perhaps the statement belongs to the other lane.",
        example="""\
on alice: call bob; expect held; resume; release
on bob: answer; hold; expect hangup
""",
        instead="""\
on alice: call bob; expect held; expect resumed; release
on bob: answer; hold; resume; expect hangup
""",
    ),
    Code(
        "SF319",
        "a transfer needs two calls",
        "`transfer NAME to OTHER` joins the peers of two calls of the lane; here both are one call.",
        why="There is nobody with whom the peer could be connected; in a run the transfer would fail.",
        example="""\
on alice {
  call bob as first
  call carol as second
  transfer first to first
}
on bob: answer; expect hangup
on carol: answer; expect hangup
""",
        instead="""\
on alice {
  call bob as first
  call carol as second
  transfer first to second
}
on bob: answer; expect hangup
on carol: answer; expect hangup
""",
    ),
    Code(
        "SF320",
        "only an incoming call can be answered",
        "`answer`, `ring`, `progress`, `reject` and `redirect` act on calls that come in, and the name "
        "belongs to a call that the lane makes itself.",
        why="The statement would wait for another call. What the caller waits for is `expect answered`.",
        example="""\
on alice: dial bob as first; answer on first; release
on bob: answer; call alice
""",
        instead="""\
on alice: dial bob as first; expect answered on first; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF321",
        "a definition that nothing calls",
        "The sequence has a name, and no lane of the program uses it.",
        why="Perhaps a call of it was forgotten, or it was left over. A file that others import may keep what "
        "they use: this is about a file that is checked on its own.",
        example="""\
define greet() { play "greet.wav" }
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
define greet() { play "greet.wav" }
on alice { call bob; greet(); release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF322",
        "a parameter that is not used",
        "The definition takes a value and does nothing with it.",
        why="Whoever calls the definition believes that the value has an effect.",
        example="""\
define greet(file) { play "greet.wav" }
on alice { call bob; greet("sorry.wav"); release }
on bob: answer; expect hangup
""",
        instead="""\
define greet(file) { play file }
on alice { call bob; greet("sorry.wav"); release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF323",
        "a variable that nothing reads",
        "The variable gets a value, and no statement uses it.",
        why="Perhaps a name was written out where the variable was meant, so that changing it (or `--var`) has no "
        "effect.",
        example="""\
let file = "greet.wav"
on alice: call bob; play "greet.wav"; release
on bob: answer; expect hangup
""",
        instead="""\
let file = "greet.wav"
on alice: call bob; play file; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF324",
        "data that nothing uses",
        "No `${table.column}` speaks of the table.",
        why="Rows would be taken, and the calls would all be the same.",
        example="""\
data users from "users.csv"
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
data users from "users.csv"
on alice: call bob; log users.number; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF325",
        "a label that nobody goes to",
        "The place has a name, and no `goto` and no `recover at` leads there.",
        why="It has no effect. Perhaps the way back was forgotten.",
        example="""\
on alice { label again; call bob; release }
on bob: answer; expect hangup
""",
        instead="""\
on alice { label again; call bob else recover at again; release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF326",
        "an import of which nothing is used",
        "The imported file brings agents, definitions, variables and tables in, and this program uses none of them.",
        why="It can be left out; perhaps the lane that was to use it is missing.",
        example="""\
import "common.sflow"
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
import "common.sflow"
on alice { call bob; shared(); release }
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF327",
        "columns that nothing uses",
        "The table is used, but not these columns of it.",
        why="A value that was meant to make a difference makes none: the number is called, and its PIN never sent. "
        "A file that several scenarios share may have columns for the others; then the warning can stay.",
        example="""\
data people from "people.csv"
on alice: call bob; log people.number; release
on bob: answer; expect hangup
""",
        instead="""\
data people from "people.csv"
on alice: call bob; log "${people.number} ${people.name}"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF328",
        "nobody to register with",
        "A REGISTER goes to the agent's `proxy`, or to the host of its `uri`; this agent has neither, and there is no "
        "`registrar` in the file.",
        why="The request would go nowhere. `agent pbx { registrar }` and `proxy pbx` make a registrar for tests.",
        example="""\
on alice: register
""",
        instead="""\
agent pbx { registrar }
agent alice { proxy pbx }
on alice: register
""",
    ),
    Code(
        "SF329",
        "waiting for a registration that nothing begins",
        "An agent is registered when it registers: by `register` in a lane, or by `register every` in its settings.",
        why="The statement waits in vain until its time is over.",
        example="""\
agent pbx { registrar }
agent alice { proxy pbx }
on alice: expect registered
""",
        instead="""\
agent pbx { registrar }
agent alice { proxy pbx; register every 300s }
on alice: expect registered
""",
    ),
    Code(
        "SF330",
        "a registrar that telephones",
        "An agent with `registrar` keeps addresses and forwards requests. It makes and takes no calls, registers "
        "nowhere, and sends nothing of its own; its lane may wait, log and meet other lanes.",
        why="The statement could never do anything.",
        example="""\
agent pbx { registrar }
on pbx: call bob
on bob: answer
""",
        instead="""\
agent pbx { registrar }
agent alice { proxy pbx }
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF331",
        "a registrar that is open to everybody",
        "The registrar has no `user`, so it asks nobody for a password, and it listens at an address that other "
        "machines reach.",
        why="Whoever finds it may register and call through it. It is made for tests, and by itself it listens on this "
        "machine only.",
        example="""\
agent pbx { listen udp "0.0.0.0:5060"; registrar }
agent alice { proxy pbx }
on alice: register
""",
        instead="""\
agent pbx {
  listen    udp "0.0.0.0:5060"
  registrar { user "alice" password secret env.PASSWORD }
}

agent alice { proxy pbx; auth "alice" password secret env.PASSWORD }
on alice: register
""",
    ),
)
