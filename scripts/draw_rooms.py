"""Draw the rooms of the project and which reads which to assets/rooms.svg, from the manifest that dbt parse leaves."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PICTURE = PROJECT / "assets" / "rooms.svg"
# Folders of models/ in order of reading, and what is in them: a room reads itself and those above it. One exception:
# with var abc_value lifetime_value, intermediate/tiers ranks by what intermediate/clv forecasts.
ROOMS = {
    "staging": "raw rows, typed and judged",
    "intermediate/bookings": "orders, customers, ledger",
    "intermediate/slices": "as-of dates, facts of each",
    "intermediate/returns": "who came back, after how long",
    "intermediate/labels": "scores, segments, stages",
    "intermediate/tiers": "ABC tier, raw tier",
    "intermediate/clv": "fits, expected purchases",
    "intermediate/chances": "chance of an order",
    "intermediate/value": "published tier, all columns",
    "marts/core": "customers, orders, their value",
    "marts/labels": "where tiers and stages begin",
    "intermediate/movements": "who moved, and why",
    "marts/tiers": "periods, migrations, stability",
    "marts/portfolio": "summaries, cohorts, growth",
    "intermediate/backtest": "past forecasts and labels",
    "marts/backtest": "how far they came true",
    "intermediate/forecasts": "which method, each horizon",
    "intermediate/value_parts": "cross-sales, costs, referrals",
    "marts/forecasts": "value to come, its parts",
    "intermediate/quality": "rejected rows, first seen",
    "marts/quality": "rejected rows, reconciliation",
    "intermediate/operations": "this run beside earlier ones",
    "marts/operations": "runs",
}
FIRST_BELOW = "marts/core"  # from here on customer_value_history may be read, above it never
COLUMNS = ["tiers portfolio", "core", "forecasts", "operations"]  # groups from left to right, or sharing a place
WIDTH, HEIGHT, ACROSS, DOWN = 190, 42, 28, 28  # of a box, and between boxes


def room_of(node: dict) -> str:
    """Return the room of a model of the manifest, by its folder: staging/base is part of staging."""
    layer, *folders = Path(node["path"]).parent.parts
    return layer if layer == "staging" else "/".join([layer, *folders])


def models(manifest: dict) -> dict[str, dict]:
    """Return {unique id: model} of the project."""
    name = manifest["metadata"]["project_name"]
    nodes = manifest["nodes"].items()
    return {key: node for key, node in nodes if node["resource_type"] == "model" and node["package_name"] == name}


def edges(manifest: dict) -> Iterator[tuple[dict, dict]]:
    """Yield (reader, what it reads) for all models that read one."""
    found = models(manifest)
    for key, node in found.items():
        yield from ((node, found[parent]) for parent in manifest["parent_map"][key] if parent in found)


def arrows(manifest: dict) -> dict[str, set[str]]:
    """Return {room: rooms that it reads}, without those that it also reads by way of another."""
    reads: dict[str, set[str]] = {room: set() for room in ROOMS}
    for reader, read in edges(manifest):
        if room_of(reader) != room_of(read):
            reads[room_of(reader)].add(room_of(read))
    above: dict[str, set[str]] = {}
    for room in ROOMS:
        above[room] = reads[room].union(*(above.get(other, set()) for other in reads[room]))
    return {
        room: {other for other in others if not any(other in above.get(via, set()) for via in others - {other})}
        for room, others in reads.items()
    }


def places(reads: dict[str, set[str]], groups: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Return {room: (slot from the left, row)}: a row below all that it reads, else below its group."""
    rows: dict[str, int] = {}
    top = 0
    for room in ROOMS:
        if room == FIRST_BELOW:
            top = max(rows.values()) + 1
        before = reads[room] & rows.keys() or {other for other in rows if groups.get(other) == groups.get(room)}
        rows[room] = max([top, *(rows[other] + 1 for other in before)])
    columns = [column.split() for column in COLUMNS]
    columns += [[group] for group in sorted(set(groups.values()) - {group for column in columns for group in column})]
    slots, left = {}, 0
    for column in columns:
        taken: Counter[int] = Counter()  # rooms of each row so far
        for room in (room for room in ROOMS if groups.get(room) in column):
            slots[room] = (left + taken[rows[room]], rows[room])
            taken[rows[room]] += 1
        left += max(taken.values(), default=0)
    return slots


def way(slots: dict[str, tuple[int, int]], corner: dict[str, tuple[int, int]], begin: str, end: str) -> str:
    """Return the path of an arrow: between rows and between columns, so that it crosses no box."""
    (slot, row), (end_slot, end_row) = slots[begin], slots[end]
    x, y = corner[begin][0] + WIDTH // 2, corner[begin][1] + HEIGHT
    end_x, end_y = corner[end][0] + WIDTH // 2, corner[end][1] - 1
    is_free = not any(place == slot and row < other < end_row for place, other in slots.values())
    if slot == end_slot and is_free:
        return f"M{x} {y} V{end_y}"
    if end_row == row + 1:
        return f"M{x} {y} V{y + DOWN // 2} H{end_x} V{end_y}"
    left = corner[end][0] - ACROSS // 2
    gutter = left if slot < end_slot else left + WIDTH + ACROSS
    return f"M{x} {y} V{y + DOWN // 2} H{gutter} V{end_y - DOWN // 2 + 1} H{end_x} V{end_y}"


def drawing(manifest: dict) -> str:
    """Return the picture."""
    configs = {room_of(node): node["config"] for node in models(manifest).values()}
    if unknown := configs.keys() - ROOMS.keys():
        raise SystemExit(f"error: give {', '.join(sorted(unknown))} a place in ROOMS of scripts/draw_rooms.py")
    groups = {room: config["group"] for room, config in configs.items()}
    reads = arrows(manifest)
    slots = places(reads, groups)
    corner = {room: (slot * (WIDTH + ACROSS) + 8, row * (HEIGHT + DOWN) + 8) for room, (slot, row) in slots.items()}
    width = max(x for x, _ in corner.values()) + WIDTH + 8
    height = max(y for _, y in corner.values()) + HEIGHT + 8
    line = corner[FIRST_BELOW][1] - DOWN // 2 - 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="Helvetica, Arial, sans-serif">',
        "<title>The rooms of the project: each reads itself and those that an arrow comes from</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#64748b"/></marker></defs>',
    ]
    for room, others in reads.items():
        for other in sorted(others):
            parts.append(
                f'<path d="{way(slots, corner, other, room)}" fill="none" stroke="#64748b" stroke-width="1.4" '
                'stroke-linejoin="round" marker-end="url(#tip)"/>'
            )
    parts.append(
        f'<path d="M0 {line} H{width}" stroke="#64748b" stroke-width="1.4" stroke-dasharray="6 5"/>'
        f'<text x="{width - 8}" y="{line - 6}" font-size="11" fill="#64748b" text-anchor="end">'
        "below: models may read the history"
        "</text>"
    )
    for room, (x, y) in corner.items():
        colour = configs[room]["docs"]["node_color"]
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{colour}"/>'
            f'<text x="{x + 9}" y="{y + 17}" font-size="12" font-weight="bold" fill="#ffffff">{escape(room)}</text>'
            f'<text x="{x + 9}" y="{y + 33}" font-size="11" fill="#ffffff">{escape(ROOMS[room])}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, default=PROJECT / "target" / "manifest.json")
    manifest = json.loads(parser.parse_args().manifest.read_text(encoding="utf-8"))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawing(manifest), encoding="utf-8")
    print(f"written to {PICTURE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
