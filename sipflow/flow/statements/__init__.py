"""One class for every operation of the graph that can run; `STATEMENTS` is the table."""

from __future__ import annotations

from typing import Any

from sipflow.flow.statements import calls, choose, control, events, hearing, media, out_of_turn, registration
from sipflow.flow.statements.base import LaneView, Loop, Statement
from sipflow.ir import ops

STATEMENTS: dict[type[ops.Op], type[Statement[Any]]] = {
    ops.Call: calls.CallStatementNode,
    ops.Dial: calls.DialStatement,
    ops.Answer: calls.AnswerStatement,
    ops.Ring: calls.RingStatement,
    ops.Progress: calls.ProgressStatement,
    ops.Reject: calls.RejectStatement,
    ops.Redirect: calls.RedirectStatement,
    ops.Release: calls.ReleaseStatement,
    ops.Hold: calls.HoldStatement,
    ops.Resume: calls.ResumeStatement,
    ops.Rekey: calls.RekeyStatement,
    ops.Transfer: calls.TransferStatement,
    ops.SendRequest: calls.SendRequestStatement,
    ops.Register: registration.RegisterStatement,
    ops.Unregister: registration.UnregisterStatement,
    ops.Respond: out_of_turn.RespondStatement,
    ops.SendRaw: out_of_turn.SendRawStatement,
    ops.Play: media.PlayStatement,
    ops.StopPlay: media.StopPlayStatement,
    ops.Record: media.RecordStatement,
    ops.StopRecord: media.StopRecordStatement,
    ops.PauseRecord: media.PauseRecordStatement,
    ops.ResumeRecord: media.ResumeRecordStatement,
    ops.SendDtmf: media.SendDtmfStatement,
    ops.Mute: media.MuteStatement,
    ops.Unmute: media.UnmuteStatement,
    ops.Impair: media.ImpairStatement,
    ops.ClearImpairment: media.ClearImpairmentStatement,
    ops.Check: media.CheckStatement,
    ops.CheckHeard: hearing.CheckHeardStatement,
    ops.Wait: control.WaitStatement,
    ops.Log: control.LogStatement,
    ops.Let: control.LetStatement,
    ops.Fail: control.FailStatement,
    ops.If: control.IfStatement,
    ops.Repeat: control.RepeatStatement,
    ops.While: control.WhileStatement,
    ops.Choose: choose.ChooseStatement,
    ops.Signal: control.SignalStatement,
    ops.Await: control.AwaitStatement,
    ops.ExpectCall: events.ExpectCallStatement,
    ops.ExpectRinging: events.ExpectRingingStatement,
    ops.ExpectProgress: events.ExpectProgressStatement,
    ops.ExpectAnswered: events.ExpectAnsweredStatement,
    ops.ExpectRejected: events.ExpectRejectedStatement,
    ops.ExpectHangup: events.ExpectHangupStatement,
    ops.ExpectDtmf: events.ExpectDtmfStatement,
    ops.ExpectHeld: events.ExpectHeldStatement,
    ops.ExpectResumed: events.ExpectResumedStatement,
    ops.ExpectTransfer: events.ExpectTransferStatement,
    ops.ExpectTransferred: events.ExpectTransferredStatement,
    ops.ExpectNotify: events.ExpectNotifyStatement,
    ops.ExpectRecorded: events.ExpectRecordedStatement,
    ops.ExpectPlayed: events.ExpectPlayedStatement,
    ops.ExpectAudio: hearing.ExpectAudioStatement,
    ops.ExpectSilence: hearing.ExpectSilenceStatement,
    ops.ExpectTone: hearing.ExpectToneStatement,
    ops.ExpectHeard: hearing.ExpectHeardStatement,
    ops.ExpectResponse: events.ExpectResponseStatement,
    ops.ExpectRequest: events.ExpectRequestStatement,
    ops.ExpectRegistered: registration.ExpectRegisteredStatement,
    ops.ExpectUnregistered: registration.ExpectUnregisteredStatement,
}
"""`recover` and `end` are not here: they are the walker's own."""

__all__ = ["STATEMENTS", "LaneView", "Loop", "Statement"]
