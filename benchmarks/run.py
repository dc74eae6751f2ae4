"""`make bench`: every measure beside the floor of the same run. Machines are shared: the ratio is what counts."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

FOLDER = Path(__file__).resolve().parent


def measures() -> Iterator[dict[str, Any]]:
    """Every measure of every module here that has a `measure()`; the others help them."""
    for found in sorted(iter_modules([str(FOLDER)]), key=lambda found: found.name):
        module = None if found.name == "run" else import_module(f"benchmarks.{found.name}")
        if module is not None and hasattr(module, "measure"):
            yield from module.measure()


def main() -> None:
    """Print a line a measure and write `results.json`."""
    results = []
    for one in measures():
        print(
            f"{one['name']:<60} {one['value']:>12.4g} {one['unit']:<10} floor {one['floor']:>10.4g}  x {one['ratio']:.2f}",
            flush=True,
        )
        results.append(one)
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
