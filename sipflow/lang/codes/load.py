"""SF6xx: what a load run's plan needs and the machine lacks (`sipflow.load.preflight` finds these).

The examples check clean: whether they fit depends on the machine and on the options of `sipflow load`.
"""

from __future__ import annotations

from sipflow.lang.codes.code import Code

_TWO_SIDES = """\
on caller: call desk; wait 30s; release
on desk: answer; expect hangup within 60s
"""
_BY_ROWS = """\
on caller: call desk with { header "X-User" = users.number }
on desk: answer
"""

ROWS = (
    Code(
        "SF601",
        "several workers cannot have one port",
        "An agent listens at a port that the file names, and more than one worker process was asked for.",
        why="A socket belongs to one process; the other workers could not receive the answers to their own calls.",
        example=f'agent desk {{ listen udp "127.0.0.1:5062" }}\n{_TWO_SIDES}',
        instead=f'agent desk {{ listen udp "127.0.0.1" }}\n{_TWO_SIDES}',
        shown="""\
error[SF601]: `desk` listens at a port that only one of 2 workers can have
  --> example.sflow:1:14
   |
 1 | agent desk { listen udp "127.0.0.1:5062" }
   |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^ one process has a port
   |
help: `--workers 1`, or let every worker take a free port: leave the port out
""",
    ),
    Code(
        "SF602",
        "a setting of an agent is the same for every call",
        "A setting of an agent comes from a table. All calls of a load run share the agents, whose settings are read "
        "once; the rows of the tables are different in every call. An agent that places calls and does not register "
        "calls with the `number`, `uri` and `auth` of each call's row; nothing else may come from a table.",
        why="Every call would be made with the setting of the first row, and the report would not show it.",
        example="""\
data users from "users.csv"
agent caller { header "X-User" = users.number }
on caller: call desk
on desk: answer
""",
        instead="""\
data users from "users.csv"
on caller: call desk with { header "X-User" = users.number }
on desk: answer
""",
        shown="""\
error[SF602]: `caller` would be the same for every call: this setting is read once
  --> example.sflow:2:34
   |
 2 | agent caller { header "X-User" = users.number }
   |                                  ^^^^^^^^^^^^ `users.number` is another one in every call
   |
help: who calls and does not register may have `number`, `uri`, `auth` of a row; else `call … with { header … }`
""",
    ),
    Code(
        "SF603",
        "the machine has not this address",
        "An agent is to send and receive at an address that no interface of this machine has.",
        why="No call of that agent could be made.",
        example=f'agent desk {{ listen udp "192.0.2.77" }}\n{_TWO_SIDES}',
        instead=f'agent desk {{ listen udp "127.0.0.1" }}\n{_TWO_SIDES}',
        shown="""\
error[SF603]: this machine has no address 192.0.2.77 for the calls of `desk`
  --> example.sflow:1:14
   |
 1 | agent desk { listen udp "192.0.2.77" }
   |              ^^^^^^^^^^^^^^^^^^^^^^^ calls are sent from here
   |
help: add it (`ip address add 192.0.2.77 dev …`), or name one that it has
""",
    ),
    Code(
        "SF604",
        "too few ports for the media",
        "The calls that the plan has at the same time need more pairs of ports than the agents on that address may "
        "use. Every leg has two: RTP and RTCP.",
        why="The calls that find no free pair fail, and it is not the other side that failed them.",
        example=f"""\
agent caller {{ media {{ ports 20000-20099 }} }}
agent desk {{ media {{ ports 20000-20099 }} }}
{_TWO_SIDES}load {{ hold 10/s for 1m }}
""",
        instead=f"""\
agent caller {{ media {{ ports 20000-22999 }} }}
agent desk {{ media {{ ports 20000-22999 }} }}
{_TWO_SIDES}load {{ hold 10/s for 1m; concurrency at most 400 }}
""",
        shown="""\
error[SF604]: 602 legs need 602 pairs of ports on 127.0.0.1, and `caller`, `desk` may use 50
  --> example.sflow:5:1
   |
 5 | load { hold 10/s for 1m }
   | ^^^^^^^^^^^^^^^^^^^^^^^^^ 301 calls at the same time (estimated)
   |
help: `media { ports 10000-11205 }` for each of them, more addresses, or `concurrency at most 25`
""",
    ),
    Code(
        "SF605",
        "too few file descriptors",
        "The sockets that the calls of one worker need at the same time are more than the system lets one process "
        "have. `sipflow load` asks for all that it may have by itself.",
        why="The calls that get no socket fail, and it is not the other side that failed them.",
        example=f"{_TWO_SIDES}load {{ hold 1000/s for 1m; concurrency at most 1000000 }}\n",
        instead=f"{_TWO_SIDES}load {{ hold 10/s for 1m; concurrency at most 500 }}\n",
        shown="""\
error[SF605]: a worker needs 180102 file descriptors, and the system grants 20000
  --> example.sflow:3:1
   |
 3 | load { hold 1000/s for 1m; concurrency at most 1000000 }
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 30001 calls at the same time (estimated)
   |
help: `ulimit -Hn 180102` as root before it, or more workers, or fewer calls at the same time
""",
    ),
    Code(
        "SF606",
        "too little memory",
        "What the calls of the plan keep at the same time is more than the memory that is free.",
        why="A generator that is swapped out measures its own disk.",
        example=f"{_TWO_SIDES}load {{ hold 10000/s for 1m }}\n",
        instead=f"{_TWO_SIDES}load {{ hold 10/s for 1m; concurrency at most 500 }}\n",
        shown="""\
error[SF606]: about 63124 MiB of memory are needed, and 7840 MiB are free
  --> example.sflow:3:1
   |
 3 | load { hold 10000/s for 1m }
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 300001 calls at the same time (estimated)
   |
help: fewer calls at the same time (`concurrency at most …`), or more memory
""",
    ),
    Code(
        "SF607",
        "more packets than the cores carry",
        "The media of the plan are more packets a second, sent and received, than this machine's cores have been seen "
        "to carry.",
        why="Packets would be late, and the generator's verdict INVALID.",
        example=f"{_TWO_SIDES}load {{ hold 200/s for 1m }}\n",
        instead=f"{_TWO_SIDES}load {{ hold 20/s for 1m }}\n",
        shown="""\
warning[SF607]: 1,200,200 packets a second are more than 2 cores carry
  --> example.sflow:3:1
   |
 3 | load { hold 200/s for 1m }
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^ 6001 calls at the same time (estimated)
   |
help: one core carries about 150,000: more cores, a longer `ptime`, or fewer calls
""",
    ),
    Code(
        "SF608",
        "more than the interface carries",
        "The media that an agent sends are more bits a second than the interface of its address has.",
        why="Packets would be lost before they leave the machine, and the other side be blamed.",
        example=f'agent desk {{ listen udp "10.0.0.5" }}\n{_TWO_SIDES}load {{ hold 50/s for 1m }}\n',
        instead=f'agent desk {{ listen udp "10.0.0.5" }}\n{_TWO_SIDES}load {{ hold 20/s for 1m }}\n',
        shown="""\
warning[SF608]: `desk` would send 128 Mbit/s, and its interface has 100
  --> example.sflow:1:14
   |
 1 | agent desk { listen udp "10.0.0.5" }
   |              ^^^^^^^^^^^^^^^^^^^^^ 1501 calls at the same time (estimated)
   |
help: fewer calls at the same time, a codec with a lower rate, or a faster interface
""",
    ),
    Code(
        "SF609",
        "more calls than rows",
        "Every call of a load run takes a row of each table, and a table in order `once` has fewer rows than there "
        "are calls in the plan.",
        why="The calls for which no row is left do not begin, and are counted as not started.",
        example=f'data users from "users.csv" once\n{_BY_ROWS}load {{ hold 2/s for 5s }}\n',
        instead=f'data users from "users.csv"\n{_BY_ROWS}load {{ hold 2/s for 5s }}\n',
        shown="""\
warning[SF609]: 10 calls are planned, and the table `users` has 3 rows, each to be used once
  --> example.sflow:1:1
   |
 1 | data users from "users.csv" once
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 7 calls will not begin
   |
help: `--calls 3`, more rows, or leave `once` out: then they go round
""",
    ),
)
