#!/usr/bin/python3
"""Makes the expected values of outcomes in this folder, by code that shares nothing with the service.

  tests/data/outcomes/generate.py           writes the *.json beside it
  tests/data/outcomes/generate.py FOLDER    writes them there

Standard library only. README.md has the formats; check.py compares what is here with what this makes.
"""

import json
import pathlib
import sys

import change
import figures
import recovery
import scoring
import signals

FOLDER = pathlib.Path(__file__).resolve().parent
ABOUT = "Made by tests/data/outcomes/generate.py; its README.md has the format and the sources. Do not edit."
MAKERS = {
    "scoring.json": scoring.scoring,
    "change.json": change.change,
    "recovery.json": recovery.recovery,
    "sudden_gains.json": signals.sudden_gains,
    "not_on_track.json": signals.not_on_track,
    "statistics.json": figures.statistics,
}


def has_cases(value):
    """Whether somewhere below is a list of cases, each of which has a line of its own."""
    if isinstance(value, dict):
        return any(has_cases(v) for v in value.values())
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], (dict, list, tuple))


def text(value, indent=""):
    inner = indent + "  "
    if isinstance(value, dict) and has_cases(value):
        lines = [f"{inner}{json.dumps(key)}: {text(v, inner)}" for key, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if has_cases(value):
        return "[\n" + ",\n".join(inner + json.dumps(v, ensure_ascii=False) for v in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def make():
    """The text of each file."""
    return {name: text(dict(about=ABOUT, **maker())) + "\n" for name, maker in MAKERS.items()}


def main(arguments):
    if "-h" in arguments or "--help" in arguments:
        print(__doc__.strip())
        return 0
    if len(arguments) > 1:
        print("generate.py: one folder at most; see --help", file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[0]) if arguments else FOLDER
    if not folder.is_dir():
        print(f"generate.py: {folder} is no folder; make it first", file=sys.stderr)
        return 2
    for name, content in make().items():
        (folder / name).write_text(content, encoding="utf-8")
        print(f"{folder / name}: {content.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
