"""Lanes: chains of nodes, with the chains of `else` behind their failure edges."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from sipflow.ir import ops
from sipflow.ir.graph import Lane
from sipflow.ir.graph import Node as GraphNode
from sipflow.ir.ops import Op
from sipflow.ir.span import Span
from sipflow.ir.text import statement_text
from sipflow.lang.lower.actions import Action, read_action
from sipflow.lang.lower.clauses import Clauses
from sipflow.lang.lower.context import Context
from sipflow.lang.lower.expressions import ExpressionReader, Names
from sipflow.lang.syntax import Node

_STATEMENTS = ("statement", "if_statement", "repeat", "while_statement", "choose", "invoke", "broken")
_MAKES_A_CALL = (ops.Call, ops.Dial, ops.Answer, ops.Ring, ops.Progress, ops.ExpectCall)
_TAKES_A_CALL = (ops.Answer, ops.Ring, ops.Progress, ops.Reject, ops.Redirect, ops.ExpectCall)
_ENDS = frozenset(("end", "fail", "recover"))


@dataclass(slots=True)
class LaneReader:
    """Reads one lane; nodes come in the order of the text."""

    context: Context
    lane_id: str
    agent: str
    nodes: list[GraphNode] = field(default_factory=list)
    calls: dict[str, Span] = field(default_factory=dict)
    """Names of calls so far."""
    has_call: bool = False
    whole: bool = True
    """Whether every statement was understood: only then can one say that something is missing before another."""
    waits_for_call: Span | None = None
    """The first statement that needs somebody to call the agent."""
    reader: ExpressionReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = ExpressionReader(self.context, Names(calls=self.calls, in_lane=True))

    def read(self, node: Node) -> Lane:
        """The lane of a `lane` node; its nodes are in `nodes` then."""
        block = node.node("block")
        statements = list((block or node).nodes(*_STATEMENTS))
        entry = self._chain(statements, self.lane_id, after=None, in_else=False)
        return Lane(self.lane_id, self.agent, entry, self.context.span(node))

    def _chain(self, statements: list[Node], prefix: str, after: str | None, in_else: bool) -> str | None:
        """Nodes of a sequence of statements; `after` is where `recover` goes on. Returns the first one's id."""
        self._check_ends(statements, in_else)
        runnable = [statement for statement in statements if statement.rule == "statement"]
        self.whole = self.whole and len(runnable) == len(statements)
        ids = [f"{prefix}.{number}" for number in range(1, len(runnable) + 1)]
        if self.context.report.full:
            return None
        for statement, node_id, following in zip(runnable, ids, [*ids[1:], None], strict=False):
            self._statement(statement, node_id, following, after)
        return ids[0] if ids else None

    def _statement(self, node: Node, node_id: str, following: str | None, after: str | None) -> None:
        otherwise = node.node("otherwise")
        graph_node = self._quietly(node, node_id) if self._was_repaired(node) else self._node(node, node_id)
        place = len(self.nodes)
        self.nodes.append(graph_node)
        success = after if isinstance(graph_node.op, ops.Recover) else following
        if isinstance(graph_node.op, ops.End | ops.Fail):
            success = None
        failure = None
        if otherwise is not None:
            # What follows in the same sequence is where its `recover` leads: in an `else`, too.
            failure = self._chain(_statements_of(otherwise), f"{node_id}.else", following, in_else=True)
        self.nodes[place] = replace(graph_node, success=success, failure=failure)

    def _was_repaired(self, node: Node) -> bool:
        """Whether a syntax error is in the statement or beside it, where something was put in."""
        span = self._span(node)
        return self.context.has_repair(span.start - 1, span.end + 1)

    def _quietly(self, node: Node, node_id: str) -> GraphNode:
        """The node of a statement that was not read as it stands: nobody knows what its words were to mean."""
        span = self._span(node)
        self.context.doubtful.update(re.findall(r"\w+", self.context.report.source.text[span.start : span.end]))
        self.context.report.muted = True
        try:
            return self._node(node, node_id)
        finally:
            self.context.report.muted = False

    def _node(self, node: Node, node_id: str) -> GraphNode:
        action_node = next(node.nodes())
        clauses = Clauses(list(node.nodes("on_call", "within", "named", "with_block", "where")), self.reader)
        action = Action(action_node, clauses, self.reader)
        op = read_action(action)
        call = None if action.call is None else action.call.text
        within = clauses.within() if op.waits else None
        clauses.refuse_rest(_word_of(op))
        self._check_call(op, action, node)
        self._remember(op, action_node, node)
        return GraphNode(
            id=node_id,
            lane=self.lane_id,
            agent=self.agent,
            op=op,
            call=call,
            within=within,
            span=self._span(node),
            text=statement_text(op, call, within),
        )

    def _span(self, node: Node) -> Span:
        """Span of a statement without its `else`."""
        end = max(child.end for child in node.children if not isinstance(child, Node) or child.rule != "otherwise")
        return self.context.report.source.span(node.start, end)

    # --- calls -----------------------------------------------------------------------------------------------------

    def _check_call(self, op: Op, action: Action, node: Node) -> None:
        if action.call is not None:
            self.reader.check_call(action.call.text, self.context.span(action.call))
        elif not self.has_call and self.whole and _needs_call(op):
            self._no_call(op, node)

    def _no_call(self, op: Op, node: Node) -> None:
        where = self._span(node)
        help_text = "a lane gets a call by `call`, `dial`, `answer` or `expect call`"
        message = f"`{_word_of(op)}` needs a call, and there is none yet"
        self.context.report.error("SF301", message, where, "nothing before this makes or takes a call", help=help_text)
        self.has_call = True  # said once a lane

    def _remember(self, op: Op, action_node: Node, node: Node) -> None:
        if isinstance(op, _TAKES_A_CALL) and not self.has_call and self.waits_for_call is None:
            self.waits_for_call = self.context.span(action_node)
        self.has_call = self.has_call or isinstance(op, _MAKES_A_CALL)
        name: str | None = getattr(op, "name", None) if isinstance(op, _MAKES_A_CALL) else None
        if name is not None:
            self._name_call(name, node, op)

    def _name_call(self, name: str, node: Node, op: Op) -> None:
        token = next(token for clause in node.nodes("named") for token in clause.tokens("NAME"))
        where = self.context.span(token)
        # `expect call as a` and then `answer as a` speak of the same call: only new calls need new names.
        if name in self.calls and isinstance(op, ops.Call | ops.Dial | ops.ExpectCall):
            self.context.report.error("SF201", f"the call `{name}` exists already", where, "take another name")
        self.calls.setdefault(name, where)

    # --- order -----------------------------------------------------------------------------------------------------

    def _check_ends(self, statements: list[Node], in_else: bool) -> None:
        for index, statement in enumerate(statements):
            word = _ending_word(statement)
            if word is None:
                continue
            last = index == len(statements) - 1
            if word == "recover" and not in_else:
                self._misplaced(statement)
            elif not last:
                self._unreachable(word, statements[index + 1], statement)
                return

    def _misplaced(self, statement: Node) -> None:
        where = self._span(statement)
        help_text = "`expect … else { …; recover }` lets the lane go on after a failure"
        self.context.report.error(
            "SF303", "`recover` stands outside of an `else`", where, "recovers nothing", help=help_text
        )

    def _unreachable(self, word: str, following: Node, statement: Node) -> None:
        code, message = "SF302", f"this is never reached: `{word}` comes before it"
        if word == "recover":
            code, message = "SF303", "`recover` must be the last statement of its `else`"
            following = statement
        self.context.report.error(code, message, self._span(following), "")


def _statements_of(otherwise: Node) -> list[Node]:
    block = otherwise.node("block")
    return list((block or otherwise).nodes(*_STATEMENTS))


def _ending_word(statement: Node) -> str | None:
    if statement.rule != "statement":
        return None
    rule = next(statement.nodes()).rule
    return rule if rule in _ENDS and statement.node("otherwise") is None else None


def _needs_call(op: Op) -> bool:
    """Whether it acts on the current call; a check may judge variables alone, a response belongs to a request."""
    if isinstance(op, ops.SendRequest):
        return op.target is None
    return op.call_bound and not isinstance(op, ops.Check | ops.ExpectResponse)


def _word_of(op: Op) -> str:
    return f"expect {op.word}" if isinstance(op, ops.Expect) else op.word
