"""Media of a program: codecs and keys that both ends have, files as long as asked for (SF404-SF411, SF417, SF418,
SF422, SF423)."""

from __future__ import annotations

from pathlib import PurePath
from posixpath import normpath

from sipflow.ir import ops
from sipflow.ir.expr import Expr, Literal, Quantity, constant_ms, constant_text, format_duration
from sipflow.ir.graph import Agent, Node, plain_codec
from sipflow.ir.span import Span
from sipflow.lang.checks.parties import Parties
from sipflow.lang.checks.program import Program
from sipflow.lang.diagnostics import Edit, Fix, Label
from sipflow.lang.files import MediaInfo
from sipflow.lang.lower.codecs import encoding_name
from sipflow.media_params import FRAME_FILES, SRTP_KEY_BYTES

_HOUR_MS = 3_600_000
_LEAST_SOUND_MS, _LONGEST_MS = 500, 300_000
_LOWEST_HZ, _HIGHEST_HZ = 100, 3800


def check_media(program: Program, parties: Parties) -> None:
    """Report calls without a common codec, and plays and recordings that go wrong."""
    _check_codecs(program, parties)
    for node in program.live_nodes():
        if isinstance(node.op, ops.Play):
            _check_play(program, node, node.op)
        for op in _heard_in(node.op):
            _check_heard(program, op)
    _check_recordings(program)


# --- codecs --------------------------------------------------------------------------------------------------------


def _check_codecs(program: Program, parties: Parties) -> None:
    """SF404: two agents of the program call each other and share no codec."""
    answers: dict[str, list[Node]] = {}
    for node in program.live_nodes():
        if isinstance(node.op, ops.Answer | ops.Progress):
            answers.setdefault(node.agent, []).append(node)
    for node in program.live_nodes():
        if isinstance(node.op, ops.Call | ops.Dial):
            _check_offer(program, parties, node, node.op, answers)
            _check_keys(program, parties, node, node.op)


def _check_offer(
    program: Program, parties: Parties, node: Node, op: ops.Call | ops.Dial, answers: dict[str, list[Node]]
) -> None:
    callee = program.agents.get(op.target_agent or "")
    if callee is None or callee.remote or callee.name in parties.redirects:
        return
    offered = op.extra.codecs or program.agents[node.agent].codecs
    answering = answers.get(callee.name, [])
    # Each `answer` may bring codecs of its own; where there is none yet, the agent's are what will be answered with.
    chosen = [codecs for answer in answering if (codecs := _codecs_of(answer))]
    if len(chosen) < len(answering) or not answering:
        chosen.append(callee.codecs)
    accepted = dict.fromkeys(plain_codec(name) for codecs in chosen for name in codecs)
    if not {encoding_name(name) for name in accepted if name != "CN"}.isdisjoint(
        encoding_name(plain_codec(name)) for name in offered
    ):
        return
    names = f"{', '.join(offered)} and {', '.join(accepted)}"
    notes = tuple(Label(answer.span, "answered with these") for answer in answering[:2] if _codecs_of(answer))
    notes = notes or ((Label(callee.span, "its codecs"),) if callee.declared else ())
    message = f"`{node.agent}` and `{callee.name}` share no codec"
    program.context.report.warning("SF404", message, node.span, names, secondary=notes)


def _check_keys(program: Program, parties: Parties, node: Node, op: ops.Call | ops.Dial) -> None:
    """SF411: what caller and callee say about SRTP leaves nothing that both would do."""
    caller, callee = program.agents[node.agent], program.agents.get(op.target_agent or "")
    if callee is None or callee.remote or callee.name in parties.redirects or op.extra.body is not None:
        return
    label = _no_keys(caller, callee)
    if label:
        notes = tuple(Label(agent.span, f"srtp {agent.srtp}") for agent in (caller, callee) if agent.declared)
        message = f"`{caller.name}` and `{callee.name}` cannot agree on SRTP keys"
        program.context.report.warning("SF411", message, node.span, label, secondary=notes)


def _no_keys(caller: Agent, callee: Agent) -> str:
    """Why two agents find no way to protect, or not to protect, their media; empty when they do."""
    modes = {caller.srtp, callee.srtp}
    if modes <= {"off", "optional"}:
        return ""  # plain RTP, if nothing else
    if "off" in modes or ("dtls" in modes and len(modes) > 1):
        return f"{caller.srtp} and {callee.srtp}"
    taken = [agent.srtp_suites or tuple(SRTP_KEY_BYTES) for agent in (caller, callee)]
    return "" if set(taken[0]) & set(taken[1]) else f"{', '.join(taken[0])} and {', '.join(taken[1])}"


def _codecs_of(answer: Node) -> tuple[str, ...]:
    return answer.op.extra.codecs if isinstance(answer.op, ops.Answer | ops.Progress) else ()


# --- files that are played -----------------------------------------------------------------------------------------


def _check_play(program: Program, node: Node, op: ops.Play) -> None:
    path = constant_text(op.path)
    if program.context.files is None or path is None or op.path is None or not program.context.is_readable(op.path):
        return
    info = program.context.files.probe(path)
    if isinstance(info, MediaInfo):
        _check_length(program, node, op, info)
        _check_whole(program, op, op.path, info)


def _check_whole(program: Program, op: ops.Play, path: Expr, info: MediaInfo) -> None:
    """SF417."""
    start, duration = constant_ms(op.start) or 0.0, constant_ms(op.duration)
    if info.missing_ms < 1 or (duration is not None and start + duration <= info.duration_ms):
        return
    there, all_of_it = (round(ms) / 1000 for ms in (info.duration_ms, info.duration_ms + info.missing_ms))
    label = f"its head announces {all_of_it:g} s, and {there:g} s are there"
    message = f"the last {round(info.missing_ms) / 1000:g} s of the file are missing: it was cut off"
    program.context.report.warning("SF417", message, path.span, label)


def _check_length(program: Program, node: Node, op: ops.Play, info: MediaInfo) -> None:
    """SF405, SF406, SF407."""
    report = program.context.report
    start, duration = constant_ms(op.start) or 0.0, constant_ms(op.duration)
    lasts = f"the file lasts {format_duration(round(info.duration_ms))}"
    if op.start is not None and start >= info.duration_ms:
        report.error("SF405", "the play begins behind the end of the file", op.start.span, lasts)
        return
    if duration is not None and op.duration is not None and op.times is not None:
        whole = (info.duration_ms - start) * op.times
        if duration > whole and (op.start is None or constant_ms(op.start) is not None):
            label = f"{lasts}, and is played {'once' if op.times == 1 else f'{op.times} times'}"
            help_text = "`loop` goes round until the time is over"
            message = f"the play ends before, after {format_duration(round(whole))}"
            report.warning("SF406", message, op.duration.span, label, help=help_text)
    if info.duration_ms > _HOUR_MS and op.duration is None and not op.background and op.path is not None:
        label = f"{lasts}, and the lane waits for its end"
        help_text = "`for D` limits it, `in background` goes on at once"
        report.warning("SF407", "the play lasts more than an hour", op.path.span, label, help=help_text)


# --- what is listened for -------------------------------------------------------------------------------------------


def _heard_in(op: ops.Op) -> tuple[ops.Op, ...]:
    return tuple(arm.event for arm in op.events) if isinstance(op, ops.Choose) else (op,)


def _check_heard(program: Program, op: ops.Op) -> None:
    if isinstance(op, ops.ExpectTone):
        for frequency in (op.frequency, op.second):
            if frequency is not None:
                _check_frequency(program, frequency)
    elif isinstance(op, ops.ExpectHeard | ops.CheckHeard):
        _check_recognisable(program, op.path)


def _check_frequency(program: Program, frequency: Expr) -> None:
    """SF423."""
    value = frequency.value if isinstance(frequency, Literal) else None
    if isinstance(value, Quantity) and not _LOWEST_HZ <= value.value <= _HIGHEST_HZ:
        label = f"tones are heard from {_LOWEST_HZ} Hz to {_HIGHEST_HZ} Hz"
        program.context.report.error("SF423", f"a tone of {value.value:g} Hz is not heard", frequency.span, label)


def _check_recognisable(program: Program, path: Expr) -> None:
    """SF422."""
    name = constant_text(path)
    if program.context.files is None or name is None or not program.context.is_readable(path):
        return
    info = program.context.files.probe(name)
    if not isinstance(info, MediaInfo) or _LEAST_SOUND_MS <= info.duration_ms <= _LONGEST_MS:
        return
    why = "too short" if info.duration_ms < _LEAST_SOUND_MS else "too long"
    label = f"the file lasts {format_duration(round(info.duration_ms))}"
    program.context.report.error("SF422", f"`{name}` is {why} to be recognised", path.span, label)


# --- recordings ----------------------------------------------------------------------------------------------------


def _check_recordings(program: Program) -> None:
    """SF408, SF409, SF410, SF418: names of recordings that are known before the run."""
    played = _played_files(program)
    first: dict[str, Node] = {}
    for node in program.live_nodes():
        path = constant_text(node.op.path) if isinstance(node.op, ops.Record) else None
        if path is None:
            continue
        if not _may_be_written(program, node, path):
            continue
        _check_suffix(program, node, path)
        earlier = first.setdefault(path, node)
        if earlier is not node and earlier.span != node.span and not _exclude_each_other(earlier, node):
            _same_file(program, node, earlier, path)
        if path in played:
            _over_a_prompt(program, node, played[path], path)


def _played_files(program: Program) -> dict[str, Node]:
    """Files with an absolute name that are played: a relative name is looked for elsewhere than it is recorded."""
    found: dict[str, Node] = {}
    for node in program.live_nodes():
        path = constant_text(node.op.path) if isinstance(node.op, ops.Play) else None
        if path is not None and path.startswith("/"):
            found.setdefault(path, node)
    return found


def _exclude_each_other(first: Node, second: Node) -> bool:
    """Whether two statements stand in different arms of the same branching, so that a lane does one of them only."""
    if first.lane != second.lane:
        return False
    one, other = first.id.split("."), second.id.split(".")
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return place is not None and not (one[place].isdigit() and other[place].isdigit())


def _same_file(program: Program, node: Node, earlier: Node, path: str) -> None:
    notes = (Label(earlier.span, "the first one"),)
    message = f"two statements record into `{path}`"
    help_text = "without a name every recording gets one of its own"
    program.context.report.warning(
        "SF408", message, _path_of(node), "replaces the first", secondary=notes, help=help_text
    )


def _may_be_written(program: Program, node: Node, path: str) -> bool:
    """SF418, by what a run refuses (`runtime.output`)."""
    if "\0" in path:
        _cannot_be_written(program, node, "no file has a name like that", "a NUL in it", None)
        return False
    normal = normpath(path) if path else ""
    if normal.startswith(".."):
        inside = PurePath(*(part for part in PurePath(path).parts if part != ".."))
        name = None if inside == PurePath() else str(inside)
        _cannot_be_written(program, node, f"`{path}` leads out of the output folder", "refused in a run", name)
        return False
    if normal == "." or path.endswith("/"):
        name = None if normal in (".", "/") else f"{normal}/call.wav"
        _cannot_be_written(program, node, f"`{path}` is the name of a folder", "a recording is a file", name)
        return False
    return True


def _cannot_be_written(program: Program, node: Node, message: str, label: str, name: str | None) -> None:
    where = _path_of(node)
    fix = None
    help_text = "a relative name stays in the output folder (`--out`), an absolute one is taken as it is"
    if name is not None and (program.context.written(where) or "").startswith('"'):
        fix = Fix(f'write `"{name}"`', (Edit(where, f'"{name}"'),))
        help_text = f"{fix.title}: {help_text}"
    program.context.report.error("SF418", message, where, label, help=help_text, fix=fix)


def _check_suffix(program: Program, node: Node, path: str) -> None:
    suffix = PurePath(path).suffix
    if suffix.lower() in ("", ".wav", *FRAME_FILES):
        return
    where = _path_of(node)
    fix = None
    written = program.context.written(where)
    if written == f'"{path}"':
        fixed = f'"{path[: -len(suffix)]}.wav"'
        fix = Fix(f"write `{fixed}`", (Edit(where, fixed),))
    message = f"`{path}` will be a WAV file"
    program.context.report.warning("SF409", message, where, f"not {suffix[1:].upper()}", fix=fix)


def _over_a_prompt(program: Program, node: Node, play: Node, path: str) -> None:
    notes = (Label(play.span, "it is played here"),)
    message = f"the recording replaces `{path}`, which is played"
    program.context.report.warning("SF410", message, _path_of(node), "records into this file", secondary=notes)


def _path_of(node: Node) -> Span:
    assert isinstance(node.op, ops.Record) and node.op.path is not None, "only recordings with a name are looked at"
    return node.op.path.span
