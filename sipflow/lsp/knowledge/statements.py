"""Statements, their clauses and their options."""

from __future__ import annotations

from sipflow.lsp.knowledge.entry import Entry

CALLS = {
    "call": Entry(
        "call TARGET [as NAME] [with { … }] [within D]",
        "Calls somebody and waits for the answer. A redirection (3xx) is followed. TARGET is an agent, a variable, "
        "or an "
        "address in quotes.",
        "INVITE with an offer, ACK after the 2xx",
        "RFC 3261 section 13, RFC 3264",
        "call ${1:target}",
    ),
    "dial": Entry(
        "dial TARGET [as NAME] [with { … }]",
        "Calls somebody and goes on at once; `expect ringing`, `expect answered` and `expect rejected` follow it.",
        "INVITE with an offer",
        "RFC 3261 section 13",
        "dial ${1:target}",
    ),
    "answer": Entry(
        "answer [as NAME] [with { … }] [within D]",
        "Takes the call that rings, or waits for one.",
        "200 to the INVITE, with the answer",
        "RFC 3261 section 13.3.1.4",
    ),
    "ring": Entry(
        "ring [as NAME] [within D]",
        "Lets the caller hear that it rings; waits for a call when there is none.",
        "180 Ringing",
        "RFC 3261 section 13.3.1.1",
    ),
    "progress": Entry(
        "progress [as NAME] [with { … }]",
        "Begins audio before the call is answered; waits for a call when there is none.",
        "183 Session Progress with a session description",
        "RFC 3261 section 13.3.1.1, RFC 3960",
    ),
    "reject": Entry(
        'reject CODE ["REASON"]',
        "Refuses the call, with a code from 300 to 699.",
        "the final response",
        "RFC 3261 section 21",
        "reject ${1:486}",
    ),
    "redirect": Entry(
        "redirect TARGET [with { … }]",
        "Sends the caller to somebody else.",
        "302 Moved Temporarily with a Contact",
        "RFC 3261 section 21.3.3",
        "redirect ${1:target}",
    ),
    "respond": Entry(
        'respond CODE ["REASON"] [to METHOD] [with { … }]',
        "Sends a response to the latest INVITE of the call, or to its latest request of another method, whatever the "
        "state of the transaction: late, twice, or after another final response.",
        "the response",
        "RFC 3261 section 17.2",
        "respond ${1:200}",
    ),
    "release": Entry(
        "release [CALL] [with { … }]",
        "Ends the call in the way that its state needs. A call that is over already is fine.",
        "BYE, CANCEL or 480",
        "RFC 3261 sections 15 and 9",
    ),
    "hold": Entry(
        "hold [CALL] [with { … }]",
        "Puts the peer on hold.",
        "re-INVITE with `a=sendonly`, or with `c=IN IP4 0.0.0.0` after `hold by address`",
        "RFC 3264 section 8.4, RFC 3261 section 14",
    ),
    "resume": Entry(
        "resume [CALL] [with { … }]",
        "Takes the peer back from hold; with `codecs` in its block it changes the codec in mid-call.",
        "re-INVITE with `a=sendrecv`",
        "RFC 3264 section 8.4, RFC 3261 section 14",
    ),
    "rekey": Entry(
        "rekey [CALL] [with { … }]",
        "Gives the call fresh SRTP keys.",
        "re-INVITE with other keys in `a=crypto`",
        "RFC 4568 section 7.1.4",
    ),
    "transfer": Entry(
        "transfer [CALL] to TARGET [with { … }]",
        "Transfers the peer: to a target, which is a blind transfer, or to the name of another call of the lane, "
        "which is "
        "an attended one. Done when the target has answered.",
        "REFER, with Replaces when it is attended; NOTIFY with the outcome",
        "RFC 3515, RFC 3891, RFC 5589",
        "transfer to ${1:target}",
    ),
    "register": Entry(
        "register [for D] [contact E] [with { … }]",
        "Registers the agent's address at its proxy, or at the host of its `uri`, and keeps it registered until "
        "`unregister`. Credentials of `auth` are given when they are asked for.",
        "REGISTER",
        "RFC 3261 section 10, RFC 8760",
    ),
    "unregister": Entry(
        "unregister [all] [with { … }]",
        "Takes back what the agent registered; `all`: every contact of its address, whoever registered it.",
        "REGISTER with Expires: 0",
        "RFC 3261 section 10.2.2",
    ),
    "send_request": Entry(
        "send METHOD [to TARGET] [{ header …; type …; body … }]",
        "Sends one request and waits for its final response: outside of calls with `to`, else in the current call.",
        "INFO, MESSAGE, OPTIONS, NOTIFY, SUBSCRIBE, PUBLISH or UPDATE",
        "RFC 6086, RFC 3428, RFC 3261 section 11, RFC 6665, RFC 3903, RFC 3311",
    ),
    "method": Entry("info | message | options | notify | subscribe | publish | update", "The method of the request."),
    "send_raw": Entry(
        'send raw """…""" [to TARGET]',
        "Sends a text as it is written, and waits for nothing: for tests of what a peer does with nonsense. Without "
        "`to` it goes to the peer of the current call.",
        snippet='send raw """$0"""',
    ),
}

MEDIA = {
    "play": Entry(
        'play "FILE" [loop | N times] [for D] [from D] [at G] [in background]',
        "Sends a file and waits to its end, unless it is `in background`. Files are looked for beside the scenario, "
        "then "
        "in `--media-dir`, then in `~/.sipflow/media`.",
        "RTP",
        "RFC 3550, RFC 3551",
        'play "${1:file.wav}"',
    ),
    "tone": Entry("tone F", "A sine of this frequency, in place of a file.", snippet="tone ${1:440Hz} for ${2:2s}"),
    "dtmf_digits": Entry(
        'dtmf "DIGITS"', "Digits as tones in the audio.", source="ITU-T Q.23", snippet='dtmf "${1:1}"'
    ),
    "looped": Entry("loop", "Begins again at the end, until it is stopped or `for` is over."),
    "times": Entry("N times", "How many times the file is played."),
    "lasting": Entry("for D", "How long it goes on.", snippet="for ${1:2s}"),
    "starting": Entry("from D", "The place in the file where it begins.", snippet="from ${1:1s}"),
    "gain": Entry("at G", "Louder or quieter by so many decibels.", snippet="at ${1:-6dB}"),
    "background": Entry(
        "in background", "Goes on at once; `expect played` waits for its end.", snippet="in background"
    ),
    "stop_play": Entry("stop play [CALL]", "Ends what is playing.", snippet="stop play"),
    "record": Entry(
        'record ["FILE"] [stereo | mono | received | sent] [for D]',
        "Starts a recording and goes on. `stereo` (without a word): left what was sent, right what was received, on "
        "one time line; four channels where the call has `opus stereo`: sent left and right, received left and right. "
        "Without a name: `recordings/rec_<agent>_<call>_<time>.wav`.",
        snippet='record "${1:call.wav}"',
    ),
    "channels": Entry("stereo | mono | received | sent", "What is recorded."),
    "stop_record": Entry(
        "stop record [CALL]", "Ends the recording and waits until its file is closed.", snippet="stop record"
    ),
    "pause_record": Entry(
        "pause record [CALL]", "What is said from now on does not come into the file.", snippet="pause record"
    ),
    "resume_record": Entry("resume record [CALL]", "The file goes on, without a gap.", snippet="resume record"),
    "send_dtmf": Entry(
        'send dtmf "DIGITS" [gap D] [tone D] [via rfc4733 | info | inband]',
        "Sends digits, `0-9 * # A-D`; `,` is a pause. Waits until all of them are out.",
        "telephone events in RTP",
        "RFC 4733 section 2.5",
        'send dtmf "${1:1}"',
    ),
    "digit_gap": Entry("gap D", "The silence between two digits, 100 ms without it.", snippet="gap ${1:100ms}"),
    "digit_tone": Entry("tone D", "How long each digit lasts, 100 ms without it.", snippet="tone ${1:100ms}"),
    "via": Entry("via rfc4733 | info | inband", "How these digits go.", source="RFC 4733", snippet="via $0"),
    "mute": Entry("mute [CALL]", "Sends silence, whatever plays."),
    "unmute": Entry("unmute [CALL]", "Ends `mute`."),
    "impair": Entry(
        "impair [loss P [burst N [density P]]] [delay D] [jitter D] [reorder P] [duplicate P] [corrupt P] [skew PPM]",
        "What the call does from now on to the packets that it sends, as a bad network would.",
        snippet="impair loss ${1:3%}",
    ),
    "loss": Entry("loss P", "The share of packets that are not sent.", snippet="loss ${1:3%}"),
    "burst": Entry(
        "burst N",
        "Losses come in bursts of so many packets in the mean, as by Gilbert and Elliott.",
        snippet="burst ${1:4}",
    ),
    "density": Entry("density P", "The share that is lost within a burst; all without it.", snippet="density ${1:50%}"),
    "delay": Entry("delay D", "Every packet is late by this time.", snippet="delay ${1:100ms}"),
    "corrupt": Entry(
        "corrupt P", "The share of packets with one wrong bit in the payload.", snippet="corrupt ${1:0.1%}"
    ),
    "skew": Entry("skew PPM", "How fast this side's clock runs; slow when negative.", snippet="skew ${1:50ppm}"),
    "jitter": Entry("jitter D", "Packets are late by up to this time, each by its own.", snippet="jitter ${1:30ms}"),
    "reorder": Entry("reorder P", "The share of packets that overtake another.", snippet="reorder ${1:1%}"),
    "duplicate": Entry("duplicate P", "The share of packets that are sent twice.", snippet="duplicate ${1:1%}"),
    "clear_impairment": Entry("clear impairment", "Ends `impair`.", snippet="clear impairment"),
}

FLOW = {
    "statement": Entry(
        "STATEMENT [else …]",
        "One step of a lane. It succeeds, and the next one follows, or it fails, and its `else` does.",
    ),
    "otherwise": Entry(
        "STATEMENT else STATEMENT | { … }",
        "What is done when the statement fails. The lane ends after it, failed, unless it ends in `recover`.",
        snippet="else { $0 }",
    ),
    "wait": Entry("wait D", "Lets time pass.", snippet="wait ${1:1s}"),
    "log": Entry("log E", "A line in the report.", snippet='log "$0"'),
    "let": Entry("let NAME = E", "A variable of the lane, from here on.", snippet="let ${1:name} = ${2:value}"),
    "fail": Entry('fail ["WHY"]', "Fails here, always.", snippet='fail "${1:why}"'),
    "end": Entry("end", "Ends the lane. Behind a failure the failure stands."),
    "recover": Entry(
        "recover [at LABEL]",
        "The failure was provided for: the lane goes on behind the statement that failed, or at a label, and the "
        "verdict "
        "is untouched. It is the last statement of its `else`.",
    ),
    "label": Entry("label NAME", "A place in the lane, for `goto` and `recover at`.", snippet="label ${1:name}"),
    "goto": Entry("goto LABEL", "Goes on at a label of the same lane.", snippet="goto ${1:label}"),
    "break_loop": Entry("break", "Leaves the innermost `repeat` or `while`."),
    "continue_loop": Entry("continue", "Begins the next round of the innermost `repeat` or `while`."),
    "signal": Entry("signal NAME", "Lets all lanes go on that await it, now and later.", snippet="signal ${1:name}"),
    "await_signal": Entry("await NAME [within D]", "Waits for a signal of another lane.", snippet="await ${1:name}"),
    "check": Entry(
        "check CONDITION [else …]",
        "Judges what was measured. It fails when there is nothing to judge: no packets, no loss rate.",
        snippet="check ${1:media.loss < 1%}",
    ),
    "check_heard": Entry(
        'check heard "FILE" [score >= S] [pesq >= S]',
        "The file was heard in the call so far, which may be over.",
        snippet='check heard "${1:file.wav}"',
    ),
    "expect": Entry(
        "expect EVENT [on CALL] [within D] [else …]",
        "Waits for something. What came between two statements is still there for the next `expect`, first come first "
        "served, and one event satisfies one `expect`.",
        snippet="expect $0",
    ),
    "if_statement": Entry(
        "if CONDITION { … } [else { … }]",
        "One of two ways. A condition without a value fails the statement.",
        snippet="if ${1:condition} {\n\t$0\n}",
    ),
    "repeat": Entry("repeat N times { … }", "So many rounds.", snippet="repeat ${1:3} times {\n\t$0\n}"),
    "while_statement": Entry(
        "while CONDITION { … }", "Rounds as long as the condition is true.", snippet="while ${1:condition} {\n\t$0\n}"
    ),
    "choose": Entry(
        "choose [on CALL] [within D] { EVENT => …; timeout => … }",
        "Waits for whichever of these events comes first and goes its way. What comes is used up, the rest stays for "
        "later. Without `timeout` it fails when the time is over.",
        snippet='choose within ${1:10s} {\n\t${2:hangup} => ${3:end}\n\ttimeout => fail "${4:no choice made}"\n}',
    ),
    "arm": Entry("EVENT => STATEMENT | { … }", "What is done when this event comes first."),
    "timeout_arm": Entry(
        "timeout => …",
        "What is done when none of the events came in time.",
        snippet='timeout => ${1:fail "nothing came"}',
    ),
    "invoke": Entry("NAME(ARGUMENT, …)", "The sequence that `define NAME` names, put in here."),
}

CLAUSES = {
    "on_call": Entry(
        "on CALL", "Which of the lane's calls is meant. Without it: the one made or answered last.", snippet="on $0"
    ),
    "within": Entry(
        "within D",
        "Its time limit. Without it the file's `timeout` applies, 10 s when there is none.",
        snippet="within ${1:5s}",
    ),
    "named": Entry(
        "as NAME", "A name: of the call that begins here, or of the digits that matched.", snippet="as ${1:name}"
    ),
    "where": Entry(
        "where CONDITION",
        'Only a message of which this holds. `method`, `code`, `body` and `header("NAME")` are those of the message.',
        snippet="where ${1:condition}",
    ),
    "with_block": Entry(
        "with { header …; type …; body …; codecs …; replace header …; no ack; … }",
        "What the message carries beyond the usual, and which rules of SIP it breaks on purpose.",
        snippet="with { $0 }",
    ),
    "contact": Entry(
        'contact "sip:…"',
        "Registers this address in place of the agent's own; repeatable.",
        source="RFC 3261 section 10.2.1",
        snippet='contact "sip:${1:user}@${2:host}"',
    ),
    "raw_target": Entry("to TARGET", "To whom the text goes.", snippet="to ${1:target}"),
    "body": Entry("body E", "The body of the message.", source="RFC 3261 section 7.4", snippet='body "$0"'),
    "content_type": Entry(
        "type E", "The Content-Type of the body.", source="RFC 3261 section 20.15", snippet='type "${1:text/plain}"'
    ),
    "part": Entry(
        'part "TYPE" E',
        "One more part of the body, behind the session description if the message has one; repeatable.",
        source="RFC 5621 section 3.1",
        snippet='part "${1:text/plain}" "$0"',
    ),
}

EDITS = {
    "header_edit": Entry(
        'replace header "NAME" = E | add header "NAME" = E',
        "Puts another value in the place of a header's, or adds a field, whatever the value is. Nothing is checked.",
        source="RFC 3261 section 7.3",
    ),
    "header_fault": Entry(
        'remove header "NAME" | double header "NAME"',
        "Leaves a header out, or has it twice.",
        source="RFC 3261 section 7.3",
    ),
    "start_line": Entry(
        "start line E",
        "Another first line of the message, such as one of SIP/3.0.",
        source="RFC 3261 section 7.1",
        snippet='start line "${1:INVITE sip:bob SIP/3.0}"',
    ),
    "cseq": Entry("cseq N", "Another number in CSeq.", source="RFC 3261 section 20.16", snippet="cseq ${1:1}"),
    "content_length": Entry(
        "content length N",
        "Another Content-Length than that of the body.",
        source="RFC 3261 section 20.14",
        snippet="content length ${1:0}",
    ),
    "copies": Entry("copies N", "The message is sent so many times at once.", snippet="copies ${1:2}"),
    "no_ack": Entry(
        "no ack",
        "The final response to the INVITE is not acknowledged.",
        source="RFC 3261 section 13.2.2.4",
        snippet="no ack",
    ),
    "late_offer": Entry(
        "late offer",
        "The INVITE has no session description: the peer offers in its answer, and the ACK answers that.",
        source="RFC 3261 section 13.2.1",
        snippet="late offer",
    ),
}
"""Rules of SIP that one message breaks on purpose."""
