"""Whole load runs over loopback: counts that add up, failures that are kept, workers that die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sipflow.load.arrivals import Curve
from sipflow.load.health import Standing
from sipflow.load.links import ProcessLink
from sipflow.load.messages import Abort
from sipflow.load.plan import LoadOverrides
from sipflow.load.result import LoadResult
from sipflow.load.run import LoadRun, Status
from sipflow.loading import LoadOptions, arun_load, prepare
from sipflow.native import check, ffi, lib
from sipflow.runtime.media_desk import KEPT_FRAMES
from tests.media.engine import read_wav
from tests.media.signals import place_of, position_in, round_trip, speech, write_wav
from tests.ports import free_port

pytestmark = [pytest.mark.wire, pytest.mark.timed]  # a load run that gets no processor sends late and says so

TWO_SIDES = "on alice: call bob; wait 50ms; release\non bob: answer; expect hangup\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "calls.sflow"
    file.write_text(text, encoding="utf-8")
    return file


def options(folder: Path, *, workers: int = 1, **overrides: object) -> LoadOptions:
    return LoadOptions(LoadOverrides(**overrides), out=folder / "out", workers=workers)  # type: ignore[arg-type]


def load(folder: Path, text: str, *, workers: int = 1, **overrides: object) -> LoadResult:
    return asyncio.run(arun_load(write(folder, text), options(folder, workers=workers, **overrides)))


def adds_up(result: LoadResult) -> None:
    total = result.total
    assert total.get("planned") == total.get("started") + total.get("not_started")
    assert total.get("started") == total.get("ended") + total.get("failed") + result.lost
    assert result.lost == sum(worker.lost for worker in result.workers)
    seconds = [metrics.get("started") for metrics in result.timeline.seconds.values()]
    assert sum(seconds) == total.get("started")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells an unconnected socket what ICMP says")
def test_a_peer_that_is_down_is_blamed_at_once_and_the_generator_is_not(tmp_path: Path) -> None:
    """Each call fails by the ICMP error of its own INVITE, without a retransmission."""
    port = free_port()
    text = f'on alice: call "sip:bob@127.0.0.1:{port}"\n'
    result = load(tmp_path, text, rate=100.0, calls=100)
    adds_up(result)
    total = result.total
    assert (total.get("ended"), total.get("failed"), result.lost) == (0, 100, 0)
    (cause,) = total.named("cause/")
    assert f"503 nothing listens at 127.0.0.1:{port} (ICMP port unreachable)" in cause
    assert total.get("sip/retransmissions_sent") == 0
    assert result.verdict.standing is not Standing.INVALID, result.verdict


def test_both_sides_in_one_file_and_two_workers(tmp_path: Path) -> None:
    result = load(tmp_path, TWO_SIDES, workers=2, rate=100.0, calls=60)
    adds_up(result)
    total = result.total
    assert (total.get("ended"), total.get("failed"), result.lost) == (60, 0, 0)
    assert {worker.ended for worker in result.workers} == {30}
    assert total.histograms["sip.setup_time"].count == 60
    assert total.get("media/legs") == 120
    assert total.histograms["step/bob.1:success"].count == 60
    assert total.get("sip/nobodys_calls") == 0


def test_every_call_takes_a_row_and_reaches_its_own_callee(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("name,digit\n" + "".join(f"user{n},{n % 10}\n" for n in range(30)))
    text = (
        'data users from "users.csv" once\n'
        'on alice: call bob with { header "X-User" = users.name }; expect dtmf "${users.digit}" within 9s; release\n'
        'on bob: expect call within 9s; answer; check sip.header("X-User") == users.name; send dtmf "${users.digit}"; '
        "expect hangup within 9s\n"
    )
    result = load(tmp_path, text, rate=60.0, calls=40)
    adds_up(result)
    assert result.total.named("cause/") == {}
    assert (result.total.get("ended"), result.total.get("not_started/a table has no row left")) == (30, 10)


def test_failed_calls_leave_what_happened_and_the_others_nothing(tmp_path: Path) -> None:
    (tmp_path / "kinds.csv").write_text("kind\ngood\nbad\n")
    text = (
        'data kinds from "kinds.csv"\n'
        "on alice: call bob; wait 20ms; release\n"
        'on bob { expect call; if kinds.kind == "bad" { reject 486 } else { answer; expect hangup } }\n'
    )
    result = load(tmp_path, text, rate=50.0, calls=20)
    adds_up(result)
    assert (result.total.get("ended"), result.total.get("failed"), result.total.get("code/486")) == (10, 10, 10)
    ((cause, number),) = result.total.named("cause/").items()
    assert "486" in cause and number == 10
    assert len(result.failures) == 10
    kept = sorted(path.name for path in (tmp_path / "out" / "failures").iterdir())
    assert kept == sorted(f"call-{n}" for n in range(2, 21, 2))
    folder = result.failures[0].folder
    messages = (folder / "sip.txt").read_text()
    assert messages.count("SIP/2.0 486") == 2, "sent by bob, received by alice"
    assert messages.count("\nINVITE ") == 2
    told = json.loads((folder / "call.json").read_text())
    assert told["failures"][0]["line"] == 2


def test_calls_that_would_be_too_many_are_counted_and_not_forgotten(tmp_path: Path) -> None:
    text = "on alice: call bob; wait 900ms; release\non bob: answer; expect hangup within 9s\n"
    result = load(tmp_path, text, rate=100.0, calls=20, concurrency=5)
    adds_up(result)
    assert result.total.get("started") == 5
    assert result.total.get("not_started/too many calls at the same time") == 15


def test_a_worker_that_is_killed_is_reported_and_its_calls_are_lost(tmp_path: Path) -> None:
    """The rest goes on, every call is accounted for, and nothing is run again."""
    text = "on alice: call bob; wait 400ms; release\non bob: answer; expect hangup within 9s\n"
    prepared = prepare(write(tmp_path, text), options(tmp_path, rate=100.0, calls=100))
    links = [ProcessLink(number) for number in range(2)]
    killed: list[int] = []

    def kill_one(status: Status) -> None:
        if not killed and status.timeline.total.get("started") >= 30:
            killed.append(links[0].pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    async def work() -> LoadResult:
        return await LoadRun(prepared, links, on_tick=kill_one).run()

    result = asyncio.run(work())
    adds_up(result)
    dead, alive = result.workers
    assert dead.why_lost == "it was killed by SIGKILL"
    assert dead.lost > 0
    assert (alive.planned, alive.ended, alive.lost) == (50, 50, 0)
    assert result.total.get("planned") == 100
    assert result.exit_code == 4
    assert result.verdict.causes[0].name == "workers"


@pytest.mark.parametrize("length", [{"duration_s": 600.0}, {"calls": 30_000}])
def test_stopping_lets_the_calls_that_run_come_to_their_end(tmp_path: Path, length: dict[str, float]) -> None:
    prepared = prepare(write(tmp_path, TWO_SIDES), options(tmp_path, rate=50.0, **length))
    runs: list[LoadRun] = []

    def stop(status: Status) -> None:
        if status.timeline.total.get("started") >= 10 and not status.stopping:
            runs[0].stop()

    async def work() -> LoadResult:
        runs.append(LoadRun(prepared, [ProcessLink(0)], on_tick=stop))
        return await runs[0].run()

    result = asyncio.run(work())
    adds_up(result)
    assert result.total.get("ended") == result.total.get("planned") >= 10
    assert not result.interrupted


def test_a_number_of_calls_without_a_duration_is_reached_however_slow_it_becomes(tmp_path: Path) -> None:
    async def slowed() -> Curve:
        run = LoadRun(prepared, [])
        for _ in range(80):
            run.scale(1 / 1.1)
        run.pause()
        run.set_rate(0.01)
        run.resume()
        return run.status().curve

    prepared = prepare(write(tmp_path, TWO_SIDES), options(tmp_path, rate=20.0, calls=100))
    arrivals = replace(prepared.load, curve=asyncio.run(slowed())).starts()
    for number in range(100):
        assert (upcoming := arrivals.peek()) is not None and upcoming[0] == number
        arrivals.take()
    assert arrivals.peek() is None


def test_a_rate_that_is_changed_before_the_workers_are_up_holds_for_them(tmp_path: Path) -> None:
    prepared = prepare(write(tmp_path, TWO_SIDES), options(tmp_path, rate=0.5, calls=20))

    async def work() -> LoadResult:
        run = LoadRun(prepared, [ProcessLink(0)])
        running = asyncio.create_task(run.run())
        await asyncio.sleep(0)  # its worker is being started
        run.set_rate(100.0)
        return await running

    result = asyncio.run(work())
    adds_up(result)
    assert result.total.get("ended") == 20
    assert result.duration_s < 30, "40 s at the rate of before"


def test_what_a_worker_is_told_before_it_is_up_is_not_lost(tmp_path: Path) -> None:
    """The process reads it in one piece with what it has to prepare."""
    prepared = prepare(write(tmp_path, TWO_SIDES), options(tmp_path, calls=1))

    async def work() -> list[str]:
        told: list[str] = []
        link, gone = ProcessLink(0), asyncio.Event()
        link.open(lambda message: told.append(type(message).__name__), lambda why: gone.set())
        link.send(prepared)
        link.send(Abort("nobody wants it any more"))
        try:
            await asyncio.wait_for(gone.wait(), 30.0)
        finally:
            link.close()
        return told

    assert "Finished" in asyncio.run(work())


def test_a_port_in_use_is_told_with_the_agent(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = f'agent bob {{ listen udp "127.0.0.1:{port}" }}\n' + TWO_SIDES
        result = load(tmp_path, text, calls=1)
    assert result.exit_code == 3
    assert "agent bob" in result.problem and str(port) in result.problem


def test_the_same_seed_gives_every_call_the_same_row_in_any_number_of_workers(tmp_path: Path) -> None:
    from sipflow.load.data import PlanMaker

    (tmp_path / "users.csv").write_text("name\n" + "".join(f"user{n}\n" for n in range(50)))
    text = 'data users from "users.csv" random\nlet who = users.name\non alice: call bob; log who\non bob: answer\n'
    prepared = prepare(write(tmp_path, text), options(tmp_path, seed=9))
    makers = [PlanMaker(prepared.plan, prepared.tables) for _ in range(2)]
    names = [[maker(number).variables["who"] for number in range(20)] for maker in makers]
    assert names[0] == names[1]
    assert len(set(names[0])) > 5
    other = PlanMaker(replace(prepared.plan, seed=10), prepared.tables)
    assert [other(number).variables["who"] for number in range(20)] != names[0]


def test_several_callers_and_callees_in_one_scenario(tmp_path: Path) -> None:
    text = (
        "on alice: call carol as c1; call dave as c2; wait 20ms; release c1; release c2\n"
        "on erin: call dave; wait 20ms; release\n"
        "on carol: answer; expect hangup\n"
        "on dave: expect call from alice; answer; expect hangup\n"
        "on dave: expect call from erin; answer; expect hangup\n"
    )
    result = load(tmp_path, text, rate=30.0, calls=15)
    adds_up(result)
    assert result.total.named("cause/") == {}
    assert result.total.get("ended") == 15
    assert result.total.get("sip/answered") == result.total.get("sip/received") == 45


def test_a_secret_is_in_no_count_and_in_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "pins.csv").write_text("pin\n471108\n471109\n")
    text = (
        'data pins from "pins.csv"\n'
        'on alice { let pin = secret pins.pin; call bob with { header "X-Pin" = pin }; release }\n'
        'on bob { answer; check sip.header("X-Pin") == "other"; expect hangup }\n'
    )
    result = load(tmp_path, text, rate=20.0, calls=4)
    adds_up(result)
    assert result.total.get("failed") == 4
    kept = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.suffix != ".wav"]
    assert len(kept) == 12
    written = "".join(path.read_text() for path in kept) + repr(result.total.counts) + repr(result.failures)
    assert "X-Pin" in written
    assert "471108" not in written and "471109" not in written


def test_a_failed_call_leaves_the_audio_that_its_legs_sent_and_heard(tmp_path: Path) -> None:
    """Sample by sample: what bob heard is what alice sent, and that is her prompt after PCMU."""
    said = speech(1.5)
    write_wav(tmp_path / "said.wav", said)
    text = (
        "agent alice { codecs pcmu }\nagent bob { codecs pcmu }\n"
        'on alice: call bob; play "said.wav"; wait 300ms; expect dtmf "7" within 100ms\n'
        "on bob: answer; expect hangup\n"
    )
    result = load(tmp_path, text, rate=10.0, calls=2)
    adds_up(result)
    assert result.total.get("failed") == 2
    for failure in result.failures:
        alice, bob = (read_wav(next(failure.folder.glob(f"{name}-*.wav"))) for name in ("alice", "bob"))
        heard = round_trip(said, "PCMU")
        middle = heard[1600:-1600]  # a jitter buffer may have concealed where a busy machine was late, rarely twice
        assert position_in(middle, alice[:, 0]) >= 0
        place = place_of(middle, bob[:, 1])
        same = bob[place : place + len(middle), 1] == middle
        assert same.mean() > 0.9, "what bob heard is not what alice said"
        assert len(alice) <= KEPT_FRAMES and len(bob) <= KEPT_FRAMES


def test_what_failed_calls_of_an_earlier_run_left_goes_and_nothing_else(tmp_path: Path) -> None:
    failures = tmp_path / "out" / "failures"
    for name, file in (("call-7", "call.json"), ("call-8", "notes.txt"), ("mine", "call.json")):
        (failures / name).mkdir(parents=True)
        (failures / name / file).write_text("")
    load(tmp_path, "on alice: call bob; check 1 == 2\non bob: answer; expect hangup\n", rate=20.0, calls=2)
    assert sorted(path.name for path in failures.iterdir()) == ["call-1", "call-2", "call-8", "mine"]


def test_a_folder_that_cannot_be_written_is_a_note_and_no_end_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    result = load(tmp_path, "on alice: call bob; check 1 == 2\non bob: answer; expect hangup\n", rate=20.0, calls=2)
    assert result.total.get("failed") == 2 and result.failures == ()
    assert any("failed calls could not be kept" in note and "Not a directory" in note for note in result.notes)


@pytest.mark.parametrize(("secret", "shown"), [("", "4711"), ("secret ", "")])
def test_kept_audio_has_no_digits_while_a_secret_consists_of_digits(tmp_path: Path, secret: str, shown: str) -> None:
    (tmp_path / "pins.csv").write_text("pin\n4711\n")
    text = (
        "agent alice { codecs pcma }\nagent bob { codecs pcma }\n"
        'data pins from "pins.csv"\n'
        f"on alice {{ let pin = {secret}pins.pin; call bob; send dtmf pin via inband; wait 200ms; check 1 == 2 }}\n"
        "on bob: answer; expect hangup\n"
    )
    result = load(tmp_path, text, rate=10.0, calls=1)
    (failure,) = result.failures
    for audio in map(read_wav, failure.folder.glob("*.wav")):
        assert {digits_in(audio[:, 0]), digits_in(audio[:, 1])} == {"", shown}


def digits_in(samples: Any) -> str:
    """What a receiver takes for digits."""
    out = ffi.new("sfm_ear **")
    check(lib.sfm_ear_create(ffi.new("sfm_ear_config *", (lib.SFM_EAR_DTMF_SKILL, 0)), out))
    ear = ffi.gc(out[0], lib.sfm_ear_destroy)
    lib.sfm_ear_look_for_digits(ear, 1)
    digit, found = ffi.new("sfm_inband_digit *"), ""
    for start in range(0, len(samples), 160):
        piece = samples[start : start + 160].astype("int16").tobytes()
        lib.sfm_ear_put(ear, ffi.from_buffer("int16_t[]", piece), len(piece) // 2, lib.SFM_EAR_RATE, 0)
        while lib.sfm_ear_next_digit(ear, digit):
            found += digit.digit.decode()
    return found


def test_audio_is_kept_only_while_a_failure_would_still_be_kept(tmp_path: Path) -> None:
    text = 'on alice: call bob; expect dtmf "7" within 100ms\non bob: answer; expect hangup\n'
    wanted = replace(options(tmp_path, rate=20.0, calls=5), keep_failures=1)
    result = asyncio.run(arun_load(write(tmp_path, text), wanted))
    assert result.total.get("failed") == 5 and len(result.failures) == 1
    assert len(list((tmp_path / "out" / "failures").rglob("*.wav"))) == 2


def test_every_call_is_made_in_the_name_and_with_the_password_of_its_row(tmp_path: Path) -> None:
    """By a registrar that challenges every call: only who has the password of the user in From is let through."""
    people = [(f"user{number}", f"secret-{number}", f"10{number:02}") for number in range(4)]
    (tmp_path / "people.csv").write_text("user,word,number\n" + "".join(f"{','.join(one)}\n" for one in people))
    known = "".join(f'user "{number}" password "{word}"; ' for _, word, number in people)
    text = (
        'data people from "people.csv"\n'
        f'agent pbx {{ registrar {{ realm "pbx.test"; {known}user "desk" password "d"; record route }} }}\n'
        "agent caller { number people.number; auth people.number password secret people.word; proxy pbx }\n"
        'agent desk { number "desk"; proxy pbx; auth "desk" password "d"; register every 60s }\n'
        "on caller { wait 1s; call desk; release }\n"
        'on desk { answer; check sip.header("From") contains "sip:${people.number}@pbx.test"; expect hangup }\n'
    )
    result = load(tmp_path, text, rate=10.0, calls=12)
    adds_up(result)
    assert result.total.named("cause/") == {}
    assert result.total.get("ended") == 12
    (tmp_path / "people.csv").write_text("user,word,number\nuser1,wrong,1001\n")
    refused = load(tmp_path, text, rate=10.0, calls=2)
    assert refused.total.get("failed") == 2
    assert any("pbx.test" in cause for cause in refused.total.named("cause/")), refused.total.named("cause/")
    written = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.txt")) + repr(refused.total.counts)
    assert "wrong" not in written and 'username="1001"' in written
