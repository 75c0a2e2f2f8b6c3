"""What the server answers: each request of the protocol to the function that knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException

from sipflow.lsp import actions, formatting, hover, inlays, navigation, outline, rename, signatures, tokens
from sipflow.lsp.analysis import Document
from sipflow.lsp.completion import complete, resolve
from sipflow.lsp.diagnostics import by_source, to_protocol
from sipflow.lsp.knowledge import explain_code_text
from sipflow.lsp.server import Server, settings_from

_WATCHED = "**/*.{sflow,csv,wav,flac,ogg,mp3}"
_REQUEST_FAILED = types.LSPErrorCodes.RequestFailed.value


# --- the editor comes and goes -------------------------------------------------------------------------------------


def _initialize(server: Server, params: types.InitializeParams) -> None:
    text_document = params.capabilities.text_document
    completion = text_document.completion if text_document else None
    item = completion.completion_item if completion else None
    server.snippets = bool(item and item.snippet_support)
    settings = dataclasses.replace(server.texts.settings, encoding=_word(server.workspace.position_encoding))
    server.texts.settings = settings_from(params.initialization_options, settings)
    server.texts.folders = _folders(params)
    server.pulls = bool(text_document and text_document.diagnostic and not text_document.publish_diagnostics)
    if server.pulls:
        options = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=False)
        server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)(_diagnostic)


def _word(kind: object) -> str:
    """A word of the protocol, whether or not it is one that the protocol knows."""
    return str(getattr(kind, "value", kind))


def _folders(params: types.InitializeParams) -> list[Path]:
    named = [folder.uri for folder in params.workspace_folders or []] or [params.root_uri or ""]
    paths = (uris.to_fs_path(uri) for uri in named if uri)
    return [Path(path) for path in paths if path]


async def _initialized(server: Server, params: types.InitializedParams) -> None:
    workspace = server.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching and watching.dynamic_registration:
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_WATCHED)])
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        await server.client_register_capability_async(
            types.RegistrationParams([types.Registration("sipflow-files", method, options)])
        )


def _shutdown(server: Server, params: None = None) -> None:
    server.said_goodbye = True


def _settings_changed(server: Server, params: types.DidChangeConfigurationParams) -> None:
    server.texts.settings = settings_from(params.settings, server.texts.settings)
    server.check_all_soon()


def _folders_changed(server: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
    removed = {uris.to_fs_path(folder.uri) for folder in params.event.removed}
    added = [path for folder in params.event.added if (path := uris.to_fs_path(folder.uri))]
    server.texts.folders = [one for one in server.texts.folders if str(one) not in removed] + [*map(Path, added)]


def _files_changed(server: Server, params: types.DidChangeWatchedFilesParams) -> None:
    server.check_all_soon()


# --- texts ---------------------------------------------------------------------------------------------------------


def _opened(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    text = params.text_document
    server.texts.open(text.uri, text.text, text.version)
    server.check_soon(text.uri)
    _check_dependents(server, text.uri)


def _changed(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    dependents = server.texts.dependents(uri)
    server.texts.change(uri, params.content_changes, params.text_document.version)
    for changed in [uri, *dependents]:
        server.check_soon(changed)


def _check_dependents(server: Server, uri: str) -> None:
    """A text that came or went may be one that others import, found or missing until now."""
    name = Path(server.texts.name_of(uri)).name
    for other in server.texts.open_uris:
        if other != uri and name in server.texts.buffer(other).text:
            server.texts.forget(other)
            server.check_soon(other)


def _closed(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    uri = params.text_document.uri
    server.texts.close(uri)
    server.stop_checking(uri)
    _check_dependents(server, uri)


def _saved(server: Server, params: types.DidSaveTextDocumentParams) -> None:
    """Nothing to do: what is on the disk now was in the buffer before."""


async def _diagnostic(server: Server, params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
    document = await server.document(params.text_document.uri)
    if document is None:
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    uri_of, docs = server.texts.uri_of, server.texts.settings.docs
    found = {name: to_protocol(document, some, uri_of, docs) for name, some in by_source(document).items()}
    related = {
        uri_of(name): types.FullDocumentDiagnosticReport(items=some)
        for name, some in found.items()
        if name != document.name
    }
    items = found[document.name]
    return types.RelatedFullDocumentDiagnosticReport(items=items, related_documents=dict(related) or None)


# --- questions about a place ---------------------------------------------------------------------------------------


async def _completion(server: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    document = await server.document(params.text_document.uri)
    if document is None:
        return []
    offset = document.positions.offset(params.position)
    context = params.context
    if context and not _means_completion(context.trigger_character, document.text[:offset]):
        return []
    environment = server.texts.settings.environment
    return complete(document, offset, snippets=server.snippets, known_environment=environment)


def _means_completion(trigger: str | None, before: str) -> bool:
    """A `{` asks for names behind `$` only; a `/` in strings."""
    if trigger == "{":
        return before.endswith("${")
    return trigger != "/" or before.rpartition("\n")[2].count('"') % 2 == 1


def _resolve(server: Server, params: types.CompletionItem) -> types.CompletionItem:
    return resolve(params)


async def _hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    document = await server.document(params.text_document.uri)
    return None if document is None else hover.hover(document, document.positions.offset(params.position))


async def _definition(server: Server, params: types.DefinitionParams) -> list[types.Location]:
    document = await server.document(params.text_document.uri)
    if document is None:
        return []
    return navigation.definition(document, document.positions.offset(params.position), server.texts.uri_of)


async def _references(server: Server, params: types.ReferenceParams) -> list[types.Location]:
    document = await server.document(params.text_document.uri)
    occurrence = None if document is None else document.occurrence(document.positions.offset(params.position))
    if document is None or occurrence is None:
        return []
    others = server.texts.programs_with(document, occurrence.symbol)
    return navigation.references_in(
        [document, *others], occurrence.symbol, server.texts.uri_of, declarations=params.context.include_declaration
    )


async def _highlight(server: Server, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    document = await server.document(params.text_document.uri)
    return [] if document is None else navigation.highlights(document, document.positions.offset(params.position))


async def _prepare_rename(server: Server, params: types.PrepareRenameParams) -> types.PrepareRenameResult | None:
    document = await server.document(params.text_document.uri)
    return None if document is None else rename.prepare(document, document.positions.offset(params.position))


async def _rename(server: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
    document = await server.document(params.text_document.uri)
    if document is None:
        return None
    offset = document.positions.offset(params.position)
    occurrence = rename.renamable(document, offset)
    others = [] if occurrence is None else server.texts.programs_with(document, occurrence.symbol)
    try:
        return rename.rename(document, offset, params.new_name, server.texts.uri_of, others)
    except rename.RenameRefusedError as error:
        raise JsonRpcException(str(error), _REQUEST_FAILED) from error


async def _signature(server: Server, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
    document = await server.document(params.text_document.uri)
    return None if document is None else signatures.signature(document, document.positions.offset(params.position))


async def _selection(server: Server, params: types.SelectionRangeParams) -> list[types.SelectionRange]:
    document = await server.document(params.text_document.uri)
    if document is None:
        return []
    return [outline.selection(document, document.positions.offset(position)) for position in params.positions]


# --- questions about a text ----------------------------------------------------------------------------------------


async def _symbols(server: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    document = await server.document(params.text_document.uri)
    return [] if document is None else outline.symbols(document)


def _workspace_symbols(server: Server, params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
    return outline.workspace_symbols(server.texts.documents(), params.query, server.texts.uri_of)


async def _folding(server: Server, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
    document = await server.document(params.text_document.uri)
    return [] if document is None else outline.folds(document)


async def _links(server: Server, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
    document = await server.document(params.text_document.uri)
    return [] if document is None else navigation.links(document, server.texts.uri_of)


async def _tokens_full(server: Server, params: types.SemanticTokensParams) -> types.SemanticTokens:
    document = await server.document(params.text_document.uri)
    return types.SemanticTokens([] if document is None else tokens.semantic_tokens(document))


async def _tokens_range(server: Server, params: types.SemanticTokensRangeParams) -> types.SemanticTokens:
    document = await server.document(params.text_document.uri)
    if document is None:
        return types.SemanticTokens([])
    return types.SemanticTokens(tokens.semantic_tokens(document, *document.positions.offsets(params.range)))


async def _inlays(server: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
    document = await server.document(params.text_document.uri)
    return [] if document is None else inlays.hints(document, *document.positions.offsets(params.range))


async def _actions(server: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = await server.document(params.text_document.uri)
    if document is None:
        return []
    start, end = document.positions.offsets(params.range)
    only = None if params.context.only is None else [_word(kind) for kind in params.context.only]
    return actions.actions(document, start, end, server.texts.uri_of, only)


async def _format(server: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    return await _formatted(server, params.text_document.uri, formatting.format_document)


async def _format_range(server: Server, params: types.DocumentRangeFormattingParams) -> list[types.TextEdit]:
    return await _formatted(
        server,
        params.text_document.uri,
        lambda document: formatting.format_range(document, *document.positions.offsets(params.range)),
    )


async def _format_on_type(server: Server, params: types.DocumentOnTypeFormattingParams) -> list[types.TextEdit]:
    return await _formatted(
        server,
        params.text_document.uri,
        lambda document: formatting.format_block(document, document.positions.offset(params.position)),
    )


async def _formatted(
    server: Server, uri: str, edits: Callable[[Document], list[types.TextEdit]]
) -> list[types.TextEdit]:
    document = await server.document(uri)
    return [] if document is None else edits(document)


def _explain(server: Server, code: str) -> str:
    """The command that shows the explanation of a code; returns it as Markdown."""
    text = explain_code_text(code)
    server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text or f"{code} is no code of sipflow"))
    return text


_FEATURES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    (types.INITIALIZE, _initialize, None),
    (types.INITIALIZED, _initialized, None),
    (types.SHUTDOWN, _shutdown, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, _settings_changed, None),
    (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _folders_changed, None),
    (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _files_changed, None),
    (types.TEXT_DOCUMENT_DID_OPEN, _opened, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, _changed, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, _closed, None),
    (types.TEXT_DOCUMENT_DID_SAVE, _saved, None),
    (
        types.TEXT_DOCUMENT_COMPLETION,
        _completion,
        types.CompletionOptions(trigger_characters=[".", '"', "/", "{"], resolve_provider=True),
    ),
    (types.COMPLETION_ITEM_RESOLVE, _resolve, None),
    (types.TEXT_DOCUMENT_HOVER, _hover, None),
    (types.TEXT_DOCUMENT_DEFINITION, _definition, None),
    (types.TEXT_DOCUMENT_REFERENCES, _references, None),
    (types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, _highlight, None),
    (types.TEXT_DOCUMENT_PREPARE_RENAME, _prepare_rename, None),
    (types.TEXT_DOCUMENT_RENAME, _rename, None),
    (
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        _signature,
        types.SignatureHelpOptions(trigger_characters=["(", ","], retrigger_characters=[","]),
    ),
    (types.TEXT_DOCUMENT_SELECTION_RANGE, _selection, None),
    (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, _symbols, None),
    (types.WORKSPACE_SYMBOL, _workspace_symbols, None),
    (types.TEXT_DOCUMENT_FOLDING_RANGE, _folding, None),
    (types.TEXT_DOCUMENT_DOCUMENT_LINK, _links, None),
    (types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, _tokens_full, tokens.LEGEND),
    (types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, _tokens_range, tokens.LEGEND),
    (types.TEXT_DOCUMENT_INLAY_HINT, _inlays, None),
    (
        types.TEXT_DOCUMENT_CODE_ACTION,
        _actions,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, actions.FIX_ALL]),
    ),
    (types.TEXT_DOCUMENT_FORMATTING, _format, None),
    (types.TEXT_DOCUMENT_RANGE_FORMATTING, _format_range, None),
    (
        types.TEXT_DOCUMENT_ON_TYPE_FORMATTING,
        _format_on_type,
        types.DocumentOnTypeFormattingOptions(first_trigger_character="}"),
    ),
)
"""Method, handler, options."""


def register(server: Server) -> None:
    """Let the server answer with these."""
    for method, handler, options in _FEATURES:
        server.feature(method, options)(handler)
    server.command(actions.EXPLAIN)(_explain)
