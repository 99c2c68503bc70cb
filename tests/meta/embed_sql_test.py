#!/usr/bin/python3
"""How the build embeds migrations: which older binaries each says that it can be run on with, also where one
component has another's files under numbers of its own."""

import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROMISE = "-- oldest_binary: {}\n"


class EmbedSqlTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ipt-embed-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, component, **promises):
        """Migrations by their names, each with the number that it promises, or None."""
        for dialect in ("sqlite", "postgres"):
            (self.folder / component / dialect).mkdir(parents=True, exist_ok=True)
            for name, oldest in promises.items():
                (self.folder / component / dialect / f"{name[1:]}.sql").write_text(
                    f"{PROMISE.format(oldest) if oldest is not None else ''}CREATE TABLE t{name} (id BIGINT);\n")

    def embed(self, component, *shared):
        """The embedded numbers: {version: the oldest binary}."""
        made = self.folder / "made.cc"
        done = subprocess.run(
            ["cmake", f"-DDIR={component}", "-DCOMPONENT=c", "-DFUNCTION=F", "-DNAMESPACE=n", "-DHEADER=h.h",
             f"-DOUT={made}", "-DSHARED_DIR=theirs", f"-DSHARED={','.join(shared)}", "-P",
             ROOT / "tools/cmake/EmbedSql.cmake"], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(done.stderr)
        found = re.findall(r'\{(\d+), "\w+", R"sql\(.*?\)sql", (\d+)\}', made.read_text(), re.S)
        self.assertEqual(0, len(found) % 2, "both dialects")
        self.assertEqual(found[:len(found) // 2], found[len(found) // 2:])
        return {int(version): int(oldest) for version, oldest in found}

    def test_a_migration_that_says_nothing_needs_a_binary_that_knows_it(self):
        self.write("own", _0001_a=None, _0002_b=1, _0003_c=None)
        self.assertEqual({1: 1, 2: 1, 3: 3}, self.embed("own"))

    def test_a_promise_of_a_later_binary_or_in_other_words_is_refused(self):
        for wrong in ("3", "0", "two", ""):
            self.write("own", _0001_a=None, _0002_b=wrong)
            with self.assertRaisesRegex(ValueError, "names a version"):
                self.embed("own")

    def test_a_shared_file_counts_the_migrations_of_whose_it_is(self):
        self.write("theirs", _0001_a=None, _0002_b=1, _0003_c=2, _0004_d=3, _0005_e=1)
        self.write("own", _0002_x=None, _0003_y=None, _0005_z=None)
        # They know three where this component knows four; what has no number here is taken to be the next one.
        self.assertEqual({1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 4, 7: 1}, self.embed(
            "own", "0001_a=0001_a", "0004_c=0003_c", "0006_d=0004_d", "0007_e=0005_e"))
        self.write("theirs", _0004_d=5)
        with self.assertRaisesRegex(ValueError, "names a version"):  # though it is below the number here
            self.embed("own", "0001_a=0001_a", "0004_c=0003_c", "0006_d=0004_d")


if __name__ == "__main__":
    unittest.main()
