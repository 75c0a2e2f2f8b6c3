"""Bursts and gaps by their definition (RFC 3611 section 4.7.2), on the whole list of fates at once."""

from __future__ import annotations

from itertools import groupby

GMIN = 16


def bursts_of(heard: list[bool]) -> list[tuple[int, int]]:
    """First and last packet of each burst: missing ones with fewer than GMIN heard between neighbours, two at least."""
    missing = [n for n, came in enumerate(heard) if not came]
    clusters: list[list[int]] = []
    for n in missing:
        if clusters and n - clusters[-1][-1] - 1 < GMIN:
            clusters[-1].append(n)
        else:
            clusters.append([n])
    return [(cluster[0], cluster[-1]) for cluster in clusters if len(cluster) > 1]


def summary(heard: list[bool]) -> dict[str, int]:
    """What the C summary holds."""
    bursts = bursts_of(heard)
    inside = [any(first <= n <= last for first, last in bursts) for n in range(len(heard))]
    burst_missing = sum(within and not came for within, came in zip(inside, heard, strict=True))
    missing = heard.count(False)
    return {
        "packets": len(heard),
        "missing": missing,
        "runs": sum(not came for came, _ in groupby(heard)),
        "bursts": len(bursts),
        "burst_packets": sum(inside),
        "burst_missing": burst_missing,
        "gaps": sum(not within for within, _ in groupby(inside)),
        "gap_packets": len(heard) - sum(inside),
        "gap_missing": missing - burst_missing,
    }
