#!/usr/bin/env python3
"""Draws row.svg: one row in two tenants, before and after a compaction."""

from pathlib import Path

VERSIONS = [20, 50, 80, 110]
NEWEST = max(VERSIONS)
TENANTS = [("keyspace 7", 100, "#0969da"), ("keyspace 8", 40, "#bc4c00")]  # name, safe point, color

WIDTH, HEIGHT = 860, 302
PANELS = [("before the compaction", 130), ("after the compaction", 510)]  # title, left edge
PANEL_WIDTH, SCALE = 330, 2.5
LANE_TOP, LANE_HEIGHT, BOX = 64, 92, 40
LEGEND = [
    "A box is a version with its timestamp. A dashed frame is a version that was removed.",
    "Removed: versions below the tenant's own safe point, except the newest of the row.",
]
INK, PALE = "#24292f", "#8c959f"


def x_of(left, timestamp):
    """Where a timestamp lies on the axis of a panel."""
    return left + 15 + timestamp * SCALE


def text(x, y, content, size=13, fill=INK, anchor="middle", weight="normal"):
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{content}</text>'
    )


def stroke(x1, y1, x2, y2, color, width):
    place = f'x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
    return f'<line {place} stroke="{color}" stroke-width="{width}"/>'


def version(left, top, timestamp, color, removed):
    """A version as a box; a removed one leaves an empty frame."""
    x = x_of(left, timestamp) - BOX / 2
    style = f'fill="none" stroke="{PALE}" stroke-dasharray="3 3"' if removed else f'fill="{color}"'
    box = f'<rect x="{x:g}" y="{top:g}" width="{BOX}" height="26" rx="4" {style}/>'
    return [box, text(x + BOX / 2, top + 18, timestamp, fill=PALE if removed else "#ffffff")]


def lane(left, top, safe_point, color, compacted):
    """The row of one tenant: its versions on a time axis, and its safe point."""
    axis = top + 56
    line = x_of(left, safe_point)
    parts = [stroke(left, axis, left + PANEL_WIDTH, axis, PALE, 1)]
    for timestamp in VERSIONS:
        removed = compacted and timestamp < safe_point and timestamp != NEWEST
        parts += version(left, top + 22, timestamp, color, removed)
    parts.append(stroke(line, top + 14, line, axis + 6, color, 2))
    parts.append(text(line, top + 9, f"safe point {safe_point}", 12, color))
    return parts


def picture():
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" '
        'font-family="Helvetica, Arial, sans-serif" role="img">',
        "<title>One row in two tenants with two safe points, before and after a compaction</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for number, (title, left) in enumerate(PANELS):
        parts.append(text(left + PANEL_WIDTH / 2, 30, title, 15, weight="bold"))
        for tenant, (_, safe_point, color) in enumerate(TENANTS):
            parts += lane(left, LANE_TOP + tenant * LANE_HEIGHT, safe_point, color, number == 1)
    for tenant, (name, _, color) in enumerate(TENANTS):
        top = LANE_TOP + tenant * LANE_HEIGHT
        parts.append(text(14, top + 34, name, 14, color, "start", "bold"))
        parts.append(text(14, top + 52, 'row "cart"', 13, anchor="start"))
    for y, line in zip((262, 284), LEGEND):
        parts.append(text(14, y, line, anchor="start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("row.svg").write_text(picture(), encoding="utf-8")
