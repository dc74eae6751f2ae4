"""Draws the app's icons as PNG after `static/img/icon.svg`; run it again when that drawing changes."""

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "static" / "img"
BRAND, WHITE = "#0b5cad", "#ffffff"
# The drawing's grid, and how much finer it is drawn before it is made smaller.
GRID, FINER = 32, 4
Point = tuple[float, float]
STROKE = 2.2
HAND = [(16.0, 11.0), (16.0, 16.2), (19.2, 18.1)]


def draw(size: int, *, radius: float, scale: float) -> Image.Image:
    """The shield on its ground. A maskable icon has no round corners and a smaller shield (`scale`)."""
    picture = Image.new("RGBA", (size * FINER, size * FINER))
    unit = size * FINER / GRID
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, size * FINER - 1, size * FINER - 1), radius * unit, fill=BRAND)
    for line in (_shield(), HAND):
        _stroke(pen, [_place(point, scale, unit) for point in line], STROKE * scale * unit)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _place(point: Point, scale: float, unit: float) -> Point:
    middle = GRID / 2
    return (middle + (point[0] - middle) * scale) * unit, (middle + (point[1] - middle) * scale) * unit


def _stroke(pen: ImageDraw.ImageDraw, line: list[Point], width: float) -> None:
    pen.line(line, fill=WHITE, width=round(width), joint="curve")
    for x, y in line:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=WHITE)


def _shield() -> list[Point]:
    right = _curve((24.5, 14.7), (24.5, 20.1), (21.0, 24.0), (16.0, 26.5))
    left = _curve((16.0, 26.5), (11.0, 24.0), (7.5, 20.1), (7.5, 14.7))
    return [(16.0, 5.5), (24.5, 8.7), *right, *left, (7.5, 8.7), (16.0, 5.5)]


def _curve(a: Point, b: Point, c: Point, d: Point, steps: int = 24) -> list[Point]:
    """Points of a cubic Bézier curve."""
    found = []
    for step in range(steps + 1):
        t = step / steps
        parts = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        found.append(
            (
                sum(part * point[0] for part, point in zip(parts, (a, b, c, d), strict=True)),
                sum(part * point[1] for part, point in zip(parts, (a, b, c, d), strict=True)),
            )
        )
    return found


def main() -> None:
    """Write the PNG icons."""
    for size in (192, 512):
        draw(size, radius=7, scale=1).save(FOLDER / f"icon-{size}.png", optimize=True)
    draw(512, radius=0, scale=0.8).save(FOLDER / "icon-maskable-512.png", optimize=True)


if __name__ == "__main__":
    main()
