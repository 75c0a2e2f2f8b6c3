"""Where a proxy sends a request, and what it changes in it (RFC 3261 sections 16.4 to 16.6)."""

from __future__ import annotations

from sipflow.sip.headers import HeaderError, NameAddr, split_list
from sipflow.sip.hop import Hop
from sipflow.sip.message import Request, Response
from sipflow.sip.proxy.config import ProxyConfig
from sipflow.sip.proxy.refusal import RefusedError
from sipflow.sip.requests import Templates
from sipflow.sip.responses import with_source
from sipflow.sip.uri import OtherUri, SipUri, UriError, parse_uri

DEFAULT_HOPS = 70
"""Max-Forwards of a request that has none (section 16.6 step 3)."""


def hops_left(request: Request) -> int:
    """How many more hops a request may take; RefusedError 483 when there is none left (section 16.3 step 3)."""
    text = request.headers.get("Max-Forwards")
    if text is None:
        return DEFAULT_HOPS
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise RefusedError(400, "Bad Max-Forwards")
    if int(text) == 0:
        raise RefusedError(483)
    return int(text)


def read_uri(text: str) -> SipUri:
    """A Request-URI that we can route; RefusedError 416 for another scheme, 400 for nonsense."""
    try:
        uri = parse_uri(text)
    except UriError:
        raise RefusedError(400, "Bad Request-URI") from None
    if isinstance(uri, OtherUri):
        raise RefusedError(416)
    return uri


def take_own_routes(request: Request, config: ProxyConfig) -> tuple[str, list[str]]:
    """Request-URI and Route values once everything that means this proxy is taken out (section 16.4).

    A strict router before us put our own URI into the Request-URI and the target at the end of the routes.
    """
    uri, routes = request.uri, request.headers.values("Route")
    if routes and _is_own_route(f"<{uri}>", config):
        uri = _uri_in(routes.pop()) or uri
    while routes and _is_own_route(routes[0], config):
        routes.pop(0)
    return uri, routes


def is_loose(route: str) -> bool:
    """Whether a Route value names a loose router."""
    try:
        uri = parse_uri(NameAddr.parse(route).uri)
    except (HeaderError, UriError):
        return True
    return not isinstance(uri, SipUri) or uri.parameter("lr") is not None


def _is_own_route(route: str, config: ProxyConfig) -> bool:
    text = _uri_in(route)
    try:
        uri = parse_uri(text)
    except UriError:
        return False
    return isinstance(uri, SipUri) and uri.parameter("lr") is not None and config.listens_at(uri)


def _uri_in(route: str) -> str:
    try:
        return NameAddr.parse(route).uri
    except HeaderError:
        return ""


def forwarded(
    request: Request, source: Hop, uri: str, routes: list[str], record: list[str], via: str, hops: int
) -> bytes:
    """The request as it goes on (section 16.6): another Request-URI, our Via on top of the others, our Record-Route."""
    headers = request.headers.copy()
    vias = headers.get_all("Via")
    vias[0] = with_source(request, vias[0], source)
    headers.remove("Via")
    for value in (*reversed(vias), via):
        headers.insert_first("Via", value)
    headers.set("Max-Forwards", str(hops - 1))
    headers.remove("Route")
    if routes and not is_loose(routes[0]):  # a strict router takes the target from the end of the routes
        uri, routes = _uri_in(routes[0]), [*routes[1:], f"<{uri}>"]
    for route in reversed(routes):
        headers.insert_first("Route", route)
    for value in reversed(record):
        headers.insert_first("Record-Route", value)
    return Request(request.method, uri, headers, request.body).to_bytes()


def record_routes(config: ProxyConfig, source: Hop, target: Hop) -> list[str]:
    """Record-Route values for a dialog between these two: one, or two where they are reached by different addresses
    (RFC 5658 section 5). The side of the target comes first."""
    places = [config.listener_for(target), config.listener_for(source)]
    return list(dict.fromkeys(f"<{_with_lr(place.contact_uri(''))}>" for place in places))


def _with_lr(uri: str) -> str:
    return f"{uri};lr"


def passed_back(response: Response) -> bytes:
    """A response without our Via, as it goes to who sent the request (section 16.7 step 3)."""
    headers = response.headers.copy()
    first, *others = headers.get_all("Via")
    headers.remove("Via")
    rest = split_list(first)[1:]
    for value in reversed([*rest, *others]):
        headers.insert_first("Via", value)
    return Response(response.status_code, response.reason_phrase, headers, response.body).to_bytes()


def via_value(templates: Templates, branch: str) -> str:
    """Our Via for a branch."""
    return f"{templates.via}{branch}"


def without_credentials(request: Request, realm: str) -> Request:
    """The request without what proved to us who sends it: nobody behind us needs that (section 22.3)."""
    headers = request.headers.copy()
    kept = [value for value in headers.get_all("Proxy-Authorization") if f'realm="{realm}"' not in value]
    headers.remove("Proxy-Authorization")
    for value in kept:
        headers.add("Proxy-Authorization", value)
    return Request(request.method, request.uri, headers, request.body)
