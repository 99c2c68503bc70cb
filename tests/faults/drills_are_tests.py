"""Every drill is a test of its own: CMakeLists.txt (the first argument) names each, on each of its
engines. And one that cannot be run here is told as skipped, not as passed; the second argument is the
folder of the binaries."""

import pathlib
import re
import subprocess
import sys

from drills import DRILLS

text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
named = {
    (words.split()[0], engine)
    for words in re.findall(r"^ipt_add_drill\((.*)\)$", text, re.MULTILINE)
    for engine in words.split()[1:] if engine not in ("SERIAL", "UNINSTRUMENTED")
}
there = {(drill.name, drill.engine) for drill in DRILLS}
if named != there:
    sys.exit(f"drills and tests differ: {sorted(named ^ there)}")

# Without a PATH there is no unshare, and without that no small disk.
disk = next(drill for drill in DRILLS if drill.needs_disk)
drill = pathlib.Path(__file__).resolve().parent.parent.parent / "tools/drill"
done = subprocess.run(
    [sys.executable, drill, "--bin", sys.argv[2], "--only", disk.name], env={"PATH": "/nonexistent"},
    capture_output=True, text=True, timeout=60)
skips, = re.findall(r"SKIP_RETURN_CODE (\d+)", text)
if done.returncode != int(skips) or not re.search(r"skipped .* why a small disk needs", done.stdout):
    sys.exit(f"{disk.name} without a disk: {done.returncode}, not {skips}: {done.stdout}{done.stderr}")
