"""SF4xx: media and files."""

from __future__ import annotations

from sipflow.lang.codes.code import Code

ROWS = (
    Code(
        "SF401",
        "a media file is missing",
        "Files are looked for beside the scenario, then in `--media-dir`, then in `~/.sipflow/media`.",
        why="In a run the call would be set up and then fail. With `--media-dir` prompts of a whole team can lie in "
        "one place.",
        example="""\
on alice: call bob; play "gret.wav"
on bob: answer
""",
        instead="""\
on alice: call bob; play "greet.wav"
on bob: answer
""",
    ),
    Code(
        "SF402",
        "not an audio file",
        "The file is there, but it cannot be read as audio.",
        why="Nothing could be played. A file that was downloaded as a web page, or a pointer of Git LFS that was "
        "never fetched, are the usual causes; `sipflow media check FILE` says more.",
        example="""\
on alice: call bob; play "notes.wav"
on bob: answer
""",
        instead="""\
on alice: call bob; play "greet.wav"
on bob: answer
""",
    ),
    Code(
        "SF403",
        "digits that do not exist",
        "Telephones have the digits 0-9, `*`, `#` and A-D; in `send dtmf` a `,` is a pause.",
        why="No key of a telephone sends it and no event of RFC 4733 stands for it, so it could be neither sent nor "
        "received.",
        example="""\
on alice: call bob; send dtmf "12x"
on bob: answer
""",
        instead="""\
on alice: call bob; send dtmf "12#"
on bob: answer
""",
    ),
    Code(
        "SF404",
        "no codec in common",
        "The two agents share no codec, so their call cannot have audio.",
        why="The callee has to reject the audio of the offer, so the call fails with 488 or stays silent. That may be"
        " the purpose of the test; then say so with `expect rejected 488`.",
        example="""\
agent alice { codecs pcmu }
agent bob { codecs pcma }
on alice: call bob
on bob: answer
""",
        instead="""\
agent alice { codecs pcmu, pcma }
agent bob { codecs pcma }
on alice: call bob
on bob: answer
""",
    ),
    Code(
        "SF405",
        "begins behind the end",
        "`from D` skips more than the file has.",
        why="There would be nothing to play: the statement fails in every run.",
        example="""\
on alice: call bob; play "greet.wav" from 5s; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; play "greet.wav" from 500ms; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF406",
        "shorter than it is to be played",
        "`for D` is longer than the file (as often as it is played), so the play ends before.",
        why="`for` only shortens. With `loop` or `N times` a short file fills a long time.",
        example="""\
on alice: call bob; play "greet.wav" for 10s; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; play "greet.wav" loop for 10s; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF407",
        "a very long file",
        "The file lasts more than an hour, and the play waits for its end.",
        why="The lane would stand at this statement all that time. `for D` limits it, `in background` goes on at once.",
        example="""\
on alice: call bob; play "hours.wav"; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; play "hours.wav" for 10s; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF408",
        "two recordings in one file",
        "Two statements record into the same file in one run.",
        why="The second recording replaces the first, or both write at the same time and one of them fails.",
        example="""\
on alice: call bob; record "call.wav"; release
on bob: answer; record "call.wav"; expect hangup
""",
        instead="""\
on alice: call bob; record "alice.wav"; release
on bob: answer; record "bob.wav"; expect hangup
""",
    ),
    Code(
        "SF409",
        "recordings are WAV files",
        "The name of the recording ends as that of another format. What is written is WAV in any case.",
        why="Players and people go by the name of a file and would take it for something that it is not.",
        example="""\
on alice: call bob; record "call.mp3"; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; record "call.wav"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF410",
        "a recording in place of a prompt",
        "The scenario plays a file and records into the same one.",
        why="The recording would replace the prompt, and the next run would play what this one has heard.",
        example="""\
on alice: call bob; record "/tmp/greet.wav"; release
on bob: answer; play "/tmp/greet.wav"; expect hangup
""",
        instead="""\
on alice: call bob; record "heard.wav"; release
on bob: answer; play "/tmp/greet.wav"; expect hangup
""",
    ),
    Code(
        "SF411",
        "two agents that cannot agree on keys",
        "An agent calls another one of the program, and what both say about `srtp` leaves nothing that both would do: "
        "one has to protect media and the other never does, one takes keys by DTLS and the other by SDES, or they "
        "share no crypto suite.",
        why="The call is refused with 488 Not Acceptable Here. Where that is what the test is about, `expect rejected "
        "488` says so.",
        example="""\
agent alice { srtp required }
agent bob { srtp off }
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
agent alice { srtp required }
agent bob { srtp optional }
on alice: call bob; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF412",
        "the library of a codec is missing",
        "The codec is not sipflow's own but a library's, and the machine that checks does not have it.",
        why="The file is right, and runs where the library is; on this machine a run ends before its first call, with "
        "SF506 and exit code 3. `sipflow doctor` says which library was found.",
        example="""\
agent alice { codecs opus, pcma }
on alice: call bob; release
on bob: answer; expect hangup
""",
        instead="""\
agent alice { codecs g722, pcma }
on alice: call bob; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF413",
        "nobody encodes this for the codec",
        "GSM, G.729, G.723.1, iLBC and AMR only pass through: what is sent are files of their frames, as somebody else "
        "made them. Such a file fits its own codec only; tones, digits in the audio and files of samples fit "
        "none of them.",
        why="There is no encoder for these codecs, so the statement fails in every run. `ffmpeg -i greet.wav -ar 8000 "
        "greet.gsm` makes a file of frames.",
        example="""\
agent alice { codecs gsm }
agent bob { codecs gsm }
on alice: call bob; play "greet.wav"; release
on bob: answer; expect hangup
""",
        instead="""\
agent alice { codecs gsm }
agent bob { codecs gsm }
on alice: call bob; play "greet.gsm"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF414",
        "nobody hears this codec",
        "All codecs of the agent only pass through: packets are counted, and how they sound is not known.",
        why="Neither sound nor silence is ever heard on such a call, and neither level nor clipping are measured: the "
        "statement fails in every run. What packets tell (`media.loss`, `media.jitter`, digits as events) is known.",
        example="""\
agent alice { codecs gsm }
agent bob { codecs gsm }
on alice: call bob; expect audio within 5s; release
on bob: answer; play "greet.gsm" in background; expect hangup
""",
        instead="""\
agent alice { codecs gsm }
agent bob { codecs gsm }
on alice: call bob; wait 3s; check media.loss < 1%; release
on bob: answer; play "greet.gsm" in background; expect hangup
""",
    ),
    Code(
        "SF415",
        "a recording that cannot be made",
        "Codecs that only pass through give no samples for a WAV file. Their frames are recorded into a file of that "
        "codec, by its name: `.gsm`, `.g729`, `.g723`, `.amr`, `.awb`, `.lbc`; it takes no other codec's, and one side "
        "only.",
        why="A WAV file would hold silence where somebody spoke, and a file of frames that never come would be empty.",
        example="""\
agent alice { codecs gsm }
agent bob { codecs gsm }
on alice: call bob; record "call.wav"; wait 3s; release
on bob: answer; play "greet.gsm" in background; expect hangup
""",
        instead="""\
agent alice { codecs gsm }
agent bob { codecs gsm }
on alice: call bob; record "call.gsm"; wait 3s; release
on bob: answer; play "greet.gsm" in background; expect hangup
""",
    ),
    Code(
        "SF416",
        "left and right of one channel",
        "The levels of left and right are measured where two channels are heard, and nothing here asks for two.",
        why="A measurement without a value fails its statement, whatever the peer sends. `codecs opus stereo` asks for "
        "two channels; `media.level` is that of one.",
        example="""\
on alice: call bob; wait 2s; check media.level_left > -40dB; release
on bob: answer; play tone 440Hz for 5s in background; expect hangup
""",
        instead="""\
on alice: call bob; wait 2s; check media.level > -40dB; release
on bob: answer; play tone 440Hz for 5s in background; expect hangup
""",
    ),
    Code(
        "SF417",
        "a file that was cut off",
        "The head of the WAV file announces more audio than there is behind it.",
        why="A download or a copy that broke off looks like this. What is there is played, and the caller hears half a "
        "sentence. A file that is streamed, and whose head tells no length, is not meant.",
        example="""\
on alice: call bob; play "torn.wav"; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; play "greet.wav"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF418",
        "a recording that may not be written there",
        "The name leads out of the output folder, or is that of a folder. A relative name stays in the folder that "
        "`--out` names; an absolute one is taken as it is.",
        why="A scenario from somebody else must not write beside its folder by accident: a run refuses such names.",
        example="""\
on alice: call bob; record "../call.wav"; release
on bob: answer; expect hangup
""",
        instead="""\
on alice: call bob; record "call.wav"; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF419",
        "a packet time that is not sent",
        "`ptime` asks for packets of a length that one of the codecs does not have here.",
        why="A packet holds whole frames: 20 ms of GSM, 30 ms of G.723.1. libopus encodes 5, 10, 20, 40 and 60 ms at "
        "once, so packets of 30 ms, which RFC 7587 section 7 allows as three frames of 10 ms, are not sent; they are "
        "heard, as all up to 120 ms are. The longest packet that is sent is one of 60 ms.",
        example="""\
agent alice { codecs gsm; ptime 30ms }
agent bob { codecs gsm }
on alice: call bob; wait 2s; release
on bob: answer; expect hangup
""",
        instead="""\
agent alice { codecs gsm; ptime 40ms }
agent bob { codecs gsm }
on alice: call bob; wait 2s; release
on bob: answer; expect hangup
""",
    ),
    Code(
        "SF421",
        "no tones are known of this country",
        "Call progress tones differ from country to country; those of the countries in the table are known.",
        why="Which frequencies and which cadence make a ring-back there cannot be guessed. `expect tone 425Hz` waits "
        "for a tone by its frequency alone.",
        example="""\
on alice: call bob; expect tone busy country "xx"
on bob: answer; play tone 425Hz for 2s
""",
        instead="""\
on alice: call bob; expect tone busy country "de"
on bob: answer; play tone 425Hz for 2s
""",
    ),
    Code(
        "SF422",
        "a file that cannot be recognised",
        "To be told from others a prompt needs half a second of sound at least, and it lasts five minutes at most.",
        why="A click is like every other click: whether it was this one that was heard, nothing could say. `expect "
        "audio` and `expect tone` wait for short sounds.",
        example="""\
on alice: call bob; expect heard "click.wav"
on bob: answer; play "click.wav"
""",
        instead="""\
on alice: call bob; expect heard "greet.wav"
on bob: answer; play "greet.wav"
""",
    ),
    Code(
        "SF423",
        "a tone that is not heard",
        "Tones are heard from 100 Hz to 3800 Hz, the band of a telephone.",
        why="Above it a G.711 call carries nothing, and below it lies the hum of mains: the statement could only fail.",
        example="""\
on alice: call bob; expect tone 8000Hz
on bob: answer; play tone 440Hz for 2s
""",
        instead="""\
on alice: call bob; expect tone 440Hz
on bob: answer; play tone 440Hz for 2s
""",
    ),
)
