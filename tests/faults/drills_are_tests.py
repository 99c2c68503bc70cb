"""Every drill is a test of its own: CMakeLists.txt (the argument) names each, on each of its engines."""

import re
import sys

from drills import DRILLS

with open(sys.argv[1], encoding="utf-8") as text:
    named = {
        (words.split()[0], engine)
        for words in re.findall(r"^ipt_add_drill\((.*)\)$", text.read(), re.MULTILINE)
        for engine in words.split()[1:] if engine != "SERIAL"
    }
there = {(drill.name, drill.engine) for drill in DRILLS}
if named != there:
    sys.exit(f"drills and tests differ: {sorted(named ^ there)}")
