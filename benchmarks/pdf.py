"""What printing costs beside the bare Typst compiler laying out an empty page with the same fonts."""

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

import pylopdf_fonts_zh_cn
import typst

from service_desk.adapters.pdf import TEMPLATES, render
from tests.adapters import papers

REPEATS = 5
BUNDLE = 100
BLANK = b'#set page("a4")\n#set text(font: "Noto Sans SC")\n#sys.inputs.data'


def measure() -> list[dict[str, Any]]:
    """Time each paper and the floor in the same run, per page; `ratio` says how many floors a page costs."""
    floor = _milliseconds(_floor(), 20)
    return [
        _line("one policy", _milliseconds(_policy(), 20), floor),
        _line("settlement sheet", _milliseconds(_settlement(), 20), floor),
        _line(f"page of a bundle of {BUNDLE}", _milliseconds(_bundle(), 1) / BUNDLE, floor),
    ]


def _line(name: str, value: float, floor: float) -> dict[str, Any]:
    return {
        "name": f"pdf: {name}",
        "value": round(value, 3),
        "floor": round(floor, 3),
        "ratio": round(value / floor, 1),
        "unit": "ms",
    }


def _floor() -> Callable[[str], object]:
    """One line of text by the library alone: fonts, layout and a PDF cannot be had for less."""
    folder = str(pylopdf_fonts_zh_cn.sans_path().parent)
    compiler = typst.Compiler(root=str(TEMPLATES), font_paths=[folder], ignore_system_fonts=True)
    return lambda number: compiler.compile(
        input=BLANK, format="pdf", sys_inputs={"data": json.dumps({"number": number})}
    )


def _policy() -> Callable[[str], object]:
    def run(number: str) -> object:
        data = papers.policies("zh")
        data["policies"][0]["number"] = number
        return render("policy", data)

    return run


def _settlement() -> Callable[[str], object]:
    return lambda number: render("settlement", papers.settlement("zh") | {"number": number})


def _bundle() -> Callable[[str], object]:
    def run(number: str) -> object:
        data = papers.policies("zh", BUNDLE)
        for index, policy in enumerate(data["policies"]):
            policy["number"] = f"{number}-{index}"
        return render("policy", data, tagged=False)

    return run


def _milliseconds(run: Callable[[str], object], calls: int) -> float:
    """The best of several runs, per call. Each paper gets a number of its own: Typst remembers equal input."""
    return min(_seconds(run, calls, repeat) for repeat in range(REPEATS)) / calls * 1e3


def _seconds(run: Callable[[str], object], calls: int, repeat: int) -> float:
    begin = perf_counter()
    for call in range(calls):
        run(f"POL-{repeat}-{call}")
    return perf_counter() - begin


if __name__ == "__main__":
    for line in measure():
        print(f"{line['name']:45} {line['value']:>10} {line['unit']}  {line['ratio']:>7} × floor")
