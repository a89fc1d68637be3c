#!/usr/bin/env python3
"""A screen of a terminal as an SVG picture: standard input is what `tmux capture-pane -p -e` gives.

Lines, blocks and braille are drawn as shapes, so that the picture does not depend on the fonts of who looks at it; only
letters are text, and their width is given.
"""

import sys
import unicodedata
from xml.sax.saxutils import escape

CELL_W, CELL_H = 8, 17
BASE = 13  # of the letters, from the top of the cell
MARGIN = 10
BACKGROUND, FOREGROUND = "#14171c", "#d3d7de"
SIXTEEN = [
    "#2e3440", "#e0606c", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d3d7de",
    "#7f8694", "#ff7a85", "#b5e090", "#ffd68a", "#82c4ff", "#e09bff", "#7fd8e4", "#ffffff",
]


def palette(index):
    if index < 16:
        return SIXTEEN[index]
    if index >= 232:
        level = 8 + (index - 232) * 10
        return f"#{level:02x}{level:02x}{level:02x}"
    index -= 16
    parts = [index // 36, index // 6 % 6, index % 6]
    return "#" + "".join(f"{0 if part == 0 else 55 + part * 40:02x}" for part in parts)


class Style:
    def __init__(self):
        self.reset()

    def reset(self):
        self.foreground = self.background = None
        self.bold = self.dim = self.underline = self.reverse = False

    def apply(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 4:
                self.underline = True
            elif code == 7:
                self.reverse = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 24:
                self.underline = False
            elif code == 27:
                self.reverse = False
            elif code in (38, 48) and codes[:1] == [5]:
                color = palette(codes[1])
                codes = codes[2:]
                if code == 38:
                    self.foreground = color
                else:
                    self.background = color
            elif 30 <= code <= 37:
                self.foreground = palette(code - 30)
            elif 90 <= code <= 97:
                self.foreground = palette(code - 82)
            elif 40 <= code <= 47:
                self.background = palette(code - 40)
            elif code == 39:
                self.foreground = None
            elif code == 49:
                self.background = None

    def look(self):
        """Colour of the letters, colour behind them, bold, dim, underlined."""
        front, back = self.foreground or FOREGROUND, self.background
        if self.reverse:
            front, back = back or BACKGROUND, front
        return (front, back, self.bold, self.dim, self.underline)


def cells(line, style):
    """Each character of a line with its column, its columns and its look. `style` goes on from line to line."""
    column, place = 0, 0
    while place < len(line):
        if line[place] == "\x1b":
            # Other sequences than those for colours do not come; of two bytes is that for the set of characters.
            if line[place + 1 : place + 2] != "[":
                place += 2
                continue
            end = place + 2
            while end < len(line) and not line[end].isalpha():
                end += 1
            if line[end : end + 1] == "m":
                style.apply(line[place + 2 : end])
            place = end + 1
            continue
        text = line[place]
        place += 1
        while place < len(line) and unicodedata.combining(line[place]):
            text += line[place]
            place += 1
        width = 2 if unicodedata.east_asian_width(text[0]) in "WF" else 1
        yield text, column, width, style.look()
        column += width


# Arms of the lines: left, right, up, down; 1 thin, 2 double, 3 thick.
LINES = {
    "─": "1100", "│": "0011", "┌": "0101", "┐": "1001", "└": "0110", "┘": "1010", "├": "0111", "┤": "1011",
    "┬": "1101", "┴": "1110", "┼": "1111", "═": "2200", "║": "0022", "╔": "0202", "╗": "2002", "╚": "0220",
    "╝": "2020", "━": "3300", "┃": "0033",
}
DASHES = {"┄": 3, "╌": 2, "┈": 4}
SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
DOTS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]


def box(x, y, width, height):
    return f"M{x:g} {y:g}h{width:g}v{height:g}h-{width:g}z"


def shape(text, x, y):
    """Path of a character that is no letter, and how opaque it is; None for letters."""
    middle_x, middle_y = x + CELL_W / 2, y + 8.5
    code = ord(text)
    if text in LINES:
        path = ""
        left, right, up, down = (int(arm) for arm in LINES[text])
        for arm, (ax, ay) in ((left, (-1, 0)), (right, (1, 0)), (up, (0, -1)), (down, (0, 1))):
            if arm == 0:
                continue
            thick = 2.5 if arm == 3 else 1
            for offset in (-1.5, 1.5) if arm == 2 else (0,):
                if ax:
                    # Of a double corner the outer line goes farther than the inner one.
                    reach = offset * (1 if up else -1 if down else 0) * ax if arm == 2 and (up or down) else 0
                    start = middle_x + reach - thick / 2 if ax > 0 else x
                    end = x + CELL_W if ax > 0 else middle_x + reach + thick / 2
                    path += box(start, middle_y + offset - thick / 2, end - start, thick)
                else:
                    reach = offset * (1 if left else -1 if right else 0) * ay if arm == 2 and (left or right) else 0
                    start = middle_y + reach - thick / 2 if ay > 0 else y
                    end = y + CELL_H if ay > 0 else middle_y + reach + thick / 2
                    path += box(middle_x + offset - thick / 2, start, thick, end - start)
        return path, 1
    if text in DASHES:
        count = DASHES[text]
        step = CELL_W / count
        return "".join(box(x + i * step + step / 4, middle_y - 0.5, step / 2, 1) for i in range(count)), 1
    if 0x2581 <= code <= 0x2588:
        height = CELL_H * (code - 0x2580) / 8
        return box(x, y + CELL_H - height, CELL_W, height), 1
    if 0x2589 <= code <= 0x258F:
        return box(x, y, CELL_W * (0x2590 - code) / 8, CELL_H), 1
    if text == "▀":
        return box(x, y, CELL_W, CELL_H / 2), 1
    if text == "■":
        return box(x + 1, y + 5, 6, 6), 1
    if text in SHADES:
        return box(x, y, CELL_W, CELL_H), SHADES[text]
    if 0x2800 <= code <= 0x28FF:
        bits = code - 0x2800
        path = ""
        for bit, (column, row) in enumerate(DOTS):
            if bits >> bit & 1:
                path += box(x + 1 + column * 4, y + 1.25 + row * 4.25, 2.2, 2.2)
        return path, 1
    return None


def picture(lines, title):
    style = Style()
    rows = [list(cells(line, style)) for line in lines]
    columns = max((row[-1][1] + row[-1][2] for row in rows if row), default=1)
    width, height = columns * CELL_W + 2 * MARGIN, len(rows) * CELL_H + 2 * MARGIN
    paths, texts = {}, []

    def add(color, opacity, path):
        paths.setdefault((color, opacity), []).append(path)

    for number, row in enumerate(rows):
        y = MARGIN + number * CELL_H
        run = None  # start, end, text, look

        def finish():
            if run is None or not run[2].strip():
                return
            start, end, text, (front, _, bold, dim, underline) = run
            spare = len(text) - len(text.rstrip())
            text, end = text.rstrip(), end - spare
            attributes = f' fill="{front}"' if front != FOREGROUND else ""
            attributes += ' font-weight="bold"' if bold else ""
            attributes += ' opacity=".6"' if dim else ""
            attributes += ' text-decoration="underline"' if underline else ""
            texts.append(
                f'<text x="{MARGIN + start * CELL_W}" y="{y + BASE}" textLength="{(end - start) * CELL_W}"'
                f"{attributes}>{escape(text)}</text>"
            )

        for text, column, columns_of_text, look in row:
            x = MARGIN + column * CELL_W
            front, back = look[0], look[1]
            if back:
                add(back, 1, box(x, y, columns_of_text * CELL_W, CELL_H))
            drawn = shape(text, x, y) if len(text) == 1 else None
            if drawn:
                finish()
                run = None
                add(front, drawn[1] * (0.6 if look[3] else 1), drawn[0])
                continue
            # Two blanks end a text: wide gaps would be stretched with it.
            joins = run is not None and run[1] == column and run[3] == look and columns_of_text == 1
            if joins and not (text == " " and run[2].endswith(" ")):
                run = (run[0], column + 1, run[2] + text, look)
            else:
                finish()
                run = (column, column + columns_of_text, text, look) if text != " " else None
        finish()

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="6" fill="{BACKGROUND}"/>',
    ]
    for (color, opacity), parts in paths.items():
        faint = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        out.append(f'<path fill="{color}"{faint} d="{"".join(parts)}"/>')
    out.append(
        "<g font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"13.3\""
        f' fill="{FOREGROUND}" xml:space="preserve">'
    )
    out += texts + ["</g>", "</svg>"]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: screen-to-svg.py TITLE < screen > picture.svg")
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(picture(sys.stdin.read().rstrip("\n").split("\n"), sys.argv[1]))
