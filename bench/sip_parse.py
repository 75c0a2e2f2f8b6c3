"""How many SIP messages a second one core reads and writes, with the keys that a transaction layer asks for.

Measures `parse_message` with branch, Call-ID, CSeq and both tags (what finding a transaction and a dialog costs), the
typed Via, From and To on top of that, and `to_bytes`. Every message is another one (branch, Call-ID and tags differ),
so no cache can help. Beside it, as the floor: cutting the same datagrams into lines with `bytes.split`.

    python bench/sip_parse.py [--messages N] [--rounds N]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

from sipflow.sip.message import Request, Response, parse_message

_SDP = (
    "v=0\r\no=- {n} 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0 8 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
    "a=ptime:20\r\na=sendrecv\r\n"
)
_INVITE = (
    "INVITE sip:service@192.0.2.20:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK-{n}-1-0\r\n"
    'From: "caller" <sip:caller@192.0.2.10:5060>;tag={n}SIPpTag001\r\nTo: "service" <sip:service@192.0.2.20:5060>\r\n'
    "Call-ID: 1-{n}@192.0.2.10\r\nCSeq: 1 INVITE\r\nContact: <sip:caller@192.0.2.10:5060>\r\nMax-Forwards: 70\r\n"
    "Subject: Performance Test\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY\r\n"
    "Supported: replaces\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
)
_OK = (
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;received=192.0.2.10;rport=5060;branch=z9hG4bK-{n}-1-0\r\n"
    'From: "caller" <sip:caller@192.0.2.10:5060>;tag={n}SIPpTag001\r\n'
    'To: "service" <sip:service@192.0.2.20:5060>;tag={n}SIPpTag012\r\n'
    "Call-ID: 1-{n}@192.0.2.10\r\nCSeq: 1 INVITE\r\nContact: <sip:192.0.2.20:5060;transport=UDP>\r\n"
    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY\r\nSupported: replaces\r\nUser-Agent: bench\r\n"
    "Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
)
_BYE = (
    "BYE sip:service@192.0.2.20:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-{n}-1-7\r\n"
    "From: <sip:caller@192.0.2.10:5060>;tag={n}SIPpTag001\r\nTo: <sip:service@192.0.2.20:5060>;tag={n}SIPpTag012\r\n"
    "Call-ID: 1-{n}@192.0.2.10\r\nCSeq: 2 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def _datagrams(template: str, count: int) -> list[bytes]:
    bodies = (_SDP.format(n=n) for n in range(count))
    return [template.format(n=n, length=len(body), body=body).encode() for n, body in enumerate(bodies)]


def _keys(message: Request | Response) -> tuple[Any, ...]:
    return message.branch, message.call_id, message.cseq, message.from_tag, message.to_tag


def _read(data: bytes) -> tuple[Any, ...]:
    return _keys(parse_message(data))


def _read_views(data: bytes) -> tuple[Any, ...]:
    message = parse_message(data)
    return (*_keys(message), message.via, message.from_, message.to)


def _cut_lines(data: bytes) -> list[bytes]:
    return data.partition(b"\r\n\r\n")[0].split(b"\r\n")


def _rate(work: Callable[[Any], object], items: Sequence[Any], rounds: int) -> float:
    """Items a second of processor time in the best of some rounds: what the code costs, not what ran besides."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - start)
    return len(items) / best


def main() -> None:
    """Print one line a kind of message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{'messages/s, one core':22}{'parse+keys':>12}{'+ Via From To':>15}"
        f"{'to_bytes':>12}{'lines only':>12}{'bytes':>8}"
    )
    for name, template in (("INVITE with SDP", _INVITE), ("200 OK with SDP", _OK), ("BYE", _BYE)):
        data = _datagrams(template, options.messages)
        messages = [parse_message(each) for each in data]
        columns = (
            _rate(_read, data, options.rounds),
            _rate(_read_views, data, options.rounds),
            _rate(lambda message: message.to_bytes(), messages, options.rounds),
            _rate(_cut_lines, data, options.rounds),
        )
        print(f"{name:22}{columns[0]:12,.0f}{columns[1]:15,.0f}{columns[2]:12,.0f}{columns[3]:12,.0f}{len(data[0]):8}")


if __name__ == "__main__":
    main()
