"""Draw docs/demo.svg, the README's picture: what `kentongan demo` prints, as it prints it (`make picture`)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
_FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""  # rich's own frame names a font on another host; a page of ours loads nothing from elsewhere


def main() -> None:
    """Run the demo in a home of its own and draw what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipeline", "demo", "--home", f"{folder}/home"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent).stdout
    lines = [line.rstrip() for line in printed.splitlines()]
    console = Console(record=True, width=max(map(len, lines)) + 1, file=tempfile.TemporaryFile("w"))
    console.print(Text("\n".join(["$ make demo SERVE=0", *lines[:-2]])))
    svg = console.export_svg(title="make demo", code_format=_FRAME, unique_id="kentongan")
    (HERE / "demo.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
