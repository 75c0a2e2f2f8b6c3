"""SF5xx: what goes otherwise than expected in a run (`sipflow.flow.outcome` gives these codes).

The examples check clean: that is the difference to all other codes.
"""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF501",
        "an event did not come",
        "What a statement waited for did not come in its time, or something else came in its place: another digit, a "
        "rejection, the end of the call.",
        why="This is what a test is for: the other side did something else than the scenario says. What came instead "
        "stands beside the carets, and `--events` has every message before it.",
        example="""\
on alice: call bob; expect dtmf within 300ms else release
on bob: answer; wait 1s; send dtmf "1"
""",
        instead="""\
on alice: call bob; expect dtmf within 5s else release
on bob: answer; wait 1s; send dtmf "1"
""",
        shown="""\
error[SF501]: expected dtmf within 300ms, but no digit came within 0.3 s
  --> example.sflow:1:21
   |
 1 | on alice: call bob; expect dtmf within 300ms else release
   |                     ^^^^^^^^^^^^^^^^^^^^^^^^ no digit came within 0.3 s
   |
help: at 0.304 s, lane alice, call alice-1
""",
    ),
    Code(
        "SF502",
        "a command was refused",
        "The peer refused what a command asked for, or the command could not be carried out: a call was rejected, a "
        "transfer failed, the call was over.",
        why="`call` succeeds when it is answered. Where a rejection is what the test is about, `dial` goes on at once "
        "and `expect rejected` judges it.",
        example="""\
let busy = true
on alice: call bob
on bob { if busy { reject 486 "Busy Here" } else { answer } }
""",
        instead="""\
on alice: dial bob; expect rejected 486
on bob: reject 486 "Busy Here"
""",
        shown="""\
error[SF502]: expected an answer to `call bob`, but 486 Busy Here at 0.002 s
  --> example.sflow:2:11
   |
 2 | on alice: call bob
   |           ^^^^^^^^ 486 Busy Here at 0.002 s
   |
help: at 0.002 s, lane alice, call alice-1
""",
    ),
    Code(
        "SF503",
        "a condition is false",
        "What was measured is not what `check` asks for.",
        why="The measured value stands beside the carets. Without a list of its own an agent offers PCMU first.",
        example="""\
on alice: call bob; check media.codec == "PCMA" else release
on bob: answer; expect hangup
""",
        instead="""\
agent alice { codecs pcma }
on alice: call bob; check media.codec == "PCMA" else release
on bob: answer; expect hangup
""",
        shown="""\
error[SF503]: expected check media.codec == "PCMA", but media.codec is "PCMU"
  --> example.sflow:1:21
   |
 1 | on alice: call bob; check media.codec == "PCMA" else release
   |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^ media.codec is "PCMU"
   |
help: at 0.003 s, lane alice, call alice-1
""",
    ),
    Code(
        "SF504",
        "nothing to judge",
        "What the statement speaks of has no value: it was never measured, or never received.",
        why="Nothing is taken for zero or for good when there is nothing: a jitter of no packets is not below any "
        "limit. Often the check comes too early, or no media flowed.",
        example="""\
on alice: call bob; check media.jitter < 30ms else release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; wait 1s; check media.jitter < 30ms; release
on bob: answer; play tone 440Hz for 5s in background; expect hangup
""",
        shown="""\
error[SF504]: expected check media.jitter < 30ms, but no media.jitter was measured on this call
  --> example.sflow:1:21
   |
 1 | on alice: call bob; check media.jitter < 30ms else release
   |                     ^^^^^^^^^^^^^^^^^^^^^^^^^ no media.jitter was measured on this call
   |
help: at 0.002 s, lane alice, call alice-1
""",
    ),
    Code(
        "SF505",
        "the run was stopped",
        "The run ended before the statement was done: its time limit (`--timeout`) passed, or somebody pressed Ctrl-C.",
        why="The lines say where every lane stood at that moment. The example was run with `--timeout 1s`.",
        example="""\
on alice: call bob; wait 1m; release
on bob: answer; release
""",
        instead="""\
on alice: call bob; wait 500ms; release
on bob: answer; release
""",
        shown="""\
error[SF505]: expected wait 1m, but the run's time limit of 1 s passed
  --> example.sflow:1:21
   |
 1 | on alice: call bob; wait 1m; release
   |                     ^^^^^^^ the run's time limit of 1 s passed
   |
help: at 1.003 s, lane alice, call alice-1
""",
    ),
    Code(
        "SF506",
        "the machine does not grant it",
        "The machine lacks what the scenario needs: an address, a free port, a file, a place to write to.",
        why="The scenario says nothing wrong and nobody was tested, so the verdict is `error` and the exit code 3, "
        "not 1. `sipflow doctor` tells what a machine grants.",
        example="""\
agent alice { listen udp "192.0.2.1:5060" }
on alice: call bob
on bob: answer
""",
        instead="""\
agent alice { listen udp "127.0.0.1:0" }
on alice: call bob
on bob: answer
""",
        shown="""\
error[SF506]: this machine has no address 192.0.2.1
  --> example.sflow:1:15
   |
 1 | agent alice { listen udp "192.0.2.1:5060" }
   |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
""",
    ),
    Code(
        "SF507",
        "media is not protected as it has to be",
        "The call has SRTP keys, and nothing of what the peer sends can be authenticated by them; or no keys could be "
        "agreed on in the DTLS handshake.",
        why="Whatever the lane was doing, it could not have heard anything: a test that ends well although nobody "
        "heard a word would be wrong. Some packets that fail among others that do not are counted, and are yours to "
        "judge: `check media.srtp_failures == 0`.",
        example="""\
agent alice { srtp dtls; media { ports 40100-40101 } }
agent bob { srtp dtls }
let offer = \"\"\"v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40100 UDP/TLS/RTP/SAVP 0
a=setup:actpass
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
\"\"\"
on alice: call bob with { body offer }; wait 800ms
on bob: answer; expect hangup
""",
        instead="""\
agent alice { srtp dtls }
agent bob { srtp dtls }
on alice: call bob; wait 800ms; release
on bob: answer; expect hangup
""",
        shown="""\
error[SF507]: expected media that is protected, but the peer's certificate is not the one that its session \
description speaks of
   --> example.sflow:13:17
    |
 13 | on bob: answer; expect hangup
    |                 ^^^^^^^^^^^^^ the peer's certificate is not the one that its session description speaks of
    |
help: at 0.093 s, lane bob, call bob-1
""",
    ),
)
