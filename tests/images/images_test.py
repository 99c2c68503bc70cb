#!/usr/bin/python3
"""Builds every image and looks at what is in it; then runs each as a cluster would: as its user, on a
root that nothing can be written to, as the first process of its own, without any privilege.

The binaries are those of the build folder that IPT_E2E_BUILD names. Exit status 77, and why, where images
cannot be built or run.
"""

import functools
import hashlib
import json
import os
import pathlib
import re
import runpy
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import support  # noqa: E402
from support import BUILD, Api, Server, dynamic, free_port, http  # noqa: E402

SKIPPED = 77
USER = 65532
LARGEST = 80_000_000
SERVERS = {"formulation": "formulation", "outcomes": "outcomes", "postgres": "scheduling", "suite": "suite"}
BUILDER = runpy.run_path(str(ROOT / "tools/build_images"))
TARGETS = BUILDER["targets"]()
FOLDER = pathlib.Path()
BUILDAH = []  # the command, with its storage; set by why_not
ROOTS = {}  # target -> the image's root folder
# Into a root of its own mounts, as container runtimes do: the image read-only, /var/lib/ipt a volume.
ENTER = """set -e
root=$1 volume=$2 binary=$3
shift 3
mount --bind "$root" "$root"
mount --bind "$volume" "$root/var/lib/ipt"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null urandom; do touch "$root/dev/$node"; mount --bind /dev/$node "$root/dev/$node"; done
mount -o remount,bind,ro "$root"
cd /
exec env -i setpriv --no-new-privs /usr/sbin/chroot --userspec=65532:65532 --groups= "$root" "$binary" "$@"
"""


def buildah(*words):
    return subprocess.run([*BUILDAH, *words], check=True, capture_output=True, text=True).stdout


def why_not():
    """Why images cannot be built or run here; empty: they can."""
    for tool, package in (("buildah", "buildah"), ("mmdebstrap", "mmdebstrap"), ("strip", "binutils")):
        if shutil.which(tool) is None:
            return f"there is no {tool}; apt-get install {package}"
    if os.getuid() != 0:
        return "it needs root, to build and mount without a daemon"
    said = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                          capture_output=True, text=True, check=False)
    if said.returncode != 0:
        return f"no mounts of one's own can be had here: {said.stderr.strip()}"
    for driver in ("overlay", "vfs"):  # the first shares what images have alike, the second always works
        store = FOLDER / driver
        BUILDAH[:] = ["buildah", "--storage-driver", driver, "--root", store / "root", "--runroot", store / "run"]
        said = subprocess.run([*BUILDAH, "from", "--name", "try", "scratch"], capture_output=True, text=True,
                              check=False)
        if said.returncode == 0:
            said = subprocess.run([*BUILDAH, "mount", "try"], capture_output=True, text=True, check=False)
        if said.returncode == 0:
            os.environ["STORAGE_DRIVER"] = driver
            return ""
    return f"buildah does not work here: {said.stderr.strip()}"


def build():
    """All images. Says why they cannot be had here; empty: they are there."""
    done = subprocess.run(
        [ROOT / "tools/build_images", "--offline", "--binaries", BUILD, "--tag", "test", "--source",
         "https://example.test/ipt", "--out", FOLDER / "bills", "--storage", FOLDER / os.environ["STORAGE_DRIVER"]],
        text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, flush=True)
    if done.returncode == BUILDER["UNREACHABLE"]:
        return "Debian's mirrors cannot be reached"
    if done.returncode != 0:
        sys.exit(f"tools/build_images ended with {done.returncode}")
    for target, name in TARGETS.items():
        container = buildah("from", "--name", f"{target}-look", f"{name}:test").strip()
        ROOTS[target] = pathlib.Path(buildah("mount", container).strip())
    return ""


def files_of(root):
    """{path: file} of all that is no folder."""
    return {str(path.relative_to(root)): path for path in sorted(root.rglob("*"))
            if path.is_symlink() or not path.is_dir()}


def is_elf(path):
    if path.is_symlink():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def loaded(root, binary):
    """The libraries that the image's own loader loads, in the image, as paths of it."""
    elf = subprocess.run(["readelf", "-lW", root / binary], check=True, capture_output=True, text=True).stdout
    loader = re.search(r"program interpreter: ([^\]]+)\]", elf)[1]
    listed = subprocess.run(["chroot", f"--userspec={USER}:{USER}", root, loader, "--list", f"/{binary}"],
                            check=True, capture_output=True, text=True).stdout
    assert "not found" not in listed, listed
    return {loader[1:]} | {path[1:] for path in re.findall(r"=> (/\S+) ", listed)}


def of_every_image(test):
    """Runs a test for each image, given its target, its binary's name and its root folder."""
    @functools.wraps(test)
    def run(self):
        self.assertEqual(set(ROOTS), set(TARGETS))
        for target, root in ROOTS.items():
            with self.subTest(target):
                test(self, target, TARGETS[target], root)
    return run


class EveryImage(unittest.TestCase):
    maxDiff = None

    @of_every_image
    def test_says_what_it_is_and_runs_as_an_unprivileged_user(self, target, name, root):
        commit = ""
        if shutil.which("git"):
            commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], check=False, capture_output=True,
                                    text=True).stdout.strip()
        config = json.loads(buildah("inspect", "--type", "image", f"{name}:test"))["OCIv1"]["config"]
        self.assertEqual(config["User"], f"{USER}:{USER}")
        self.assertEqual(config["WorkingDir"], "/var/lib/ipt")
        self.assertEqual(config["Entrypoint"], [f"/usr/bin/{name}"])
        labels = {k.removeprefix("org.opencontainers.image."): v for k, v in config["Labels"].items()}
        version = subprocess.run([BUILD / "bin" / name, "--version"], check=True, capture_output=True,
                                 text=True).stdout.split()[-1]
        self.assertEqual(labels["version"], version)
        self.assertEqual(labels["revision"].removesuffix("-changed"), commit or "unknown")
        self.assertEqual((labels["licenses"], labels["title"]), ("Apache-2.0", name))
        self.assertEqual(labels["source"], "https://example.test/ipt")
        self.assertRegex(labels["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        # Servers serve by themselves, on the ports that the manifests name; tools are told what to do.
        is_server = target in SERVERS.values()
        self.assertEqual(config.get("Cmd"), ["serve"] if is_server else None)
        if is_server:
            self.assertEqual({port.removesuffix("/tcp") for port in config["ExposedPorts"]}, {"8443", "9090"})
        # Settings come from whoever runs it, never from the image.
        self.assertEqual([e for e in config.get("Env", []) if not e.startswith("PATH=")], [])

    @of_every_image
    def test_is_small(self, target, name, root):
        size = sum(file.lstat().st_size for file in files_of(root).values())
        self.assertLess(size, LARGEST, name)
        self.assertGreater(size, 10_000_000, f"{name}: is that all of it?")

    @of_every_image
    def test_has_one_binary_its_libraries_and_no_shell(self, target, name, root):
        files = files_of(root)
        elf = {path for path, file in files.items() if is_elf(file)}
        self.assertEqual(elf, {f"usr/bin/{name}"} | loaded(root, f"usr/bin/{name}"))
        runnable = {path for path, file in files.items()
                    if not file.is_symlink() and file.stat().st_mode & 0o111}
        self.assertEqual(runnable, elf)
        # Of the project's binary nothing but what runs: a third of the size.
        sections = subprocess.run(["readelf", "-SW", root / "usr/bin" / name], check=True,
                                  capture_output=True, text=True).stdout
        self.assertEqual(re.findall(r"\.(?:dynsym|symtab)\b", sections), [".dynsym"])

    @of_every_image
    def test_its_user_can_change_nothing_but_its_folder(self, target, name, root):
        own = set()
        for path in (root, *root.rglob("*")):
            info = path.lstat()
            if path.is_symlink():
                self.assertFalse(os.readlink(path).startswith("/"), path)
                self.assertTrue(path.exists(), f"{path} leads nowhere")
                self.assertEqual((info.st_uid, info.st_gid), (0, 0), path)
                continue
            self.assertFalse(info.st_mode & (stat.S_ISUID | stat.S_ISGID), path)
            if info.st_uid != 0 or info.st_gid != 0 or info.st_mode & 0o022:
                own.add((str(path.relative_to(root)), info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)))
        self.assertEqual(own, {("tmp", 0, 0, 0o1777), ("var/lib/ipt", USER, USER, 0o700)})

    @of_every_image
    def test_knows_its_user_time_zones_authorities_and_licences(self, target, name, root):
        self.assertRegex((root / "etc/passwd").read_text(), rf"(?m)^ipt:x:{USER}:{USER}:")
        self.assertRegex((root / "etc/group").read_text(), rf"(?m)^ipt:x:{USER}:")
        for zone in ("Europe/London", "America/St_Johns", "Australia/Lord_Howe", "UTC"):
            self.assertEqual((root / "usr/share/zoneinfo" / zone).read_bytes()[:4], b"TZif")
        bundle = root / "etc/ssl/certs/ca-certificates.crt"
        several = subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-certfile", bundle], check=True,
                                 capture_output=True).stdout
        read = subprocess.run(["openssl", "pkcs7", "-print_certs", "-noout"], input=several, check=True,
                              capture_output=True).stdout.decode()
        self.assertGreater(read.count("subject="), 100)
        self.assertEqual(read.count("subject="), bundle.read_text().count("BEGIN CERTIFICATE"))
        self.assertIn("Apache License", (root / "usr/share/doc/ipt/LICENSE").read_text())
        for package in (root / "var/lib/dpkg/status.d").iterdir():
            self.assertTrue((root / "usr/share/doc" / package.name / "copyright").read_text(), (name, package))

    @of_every_image
    def test_its_bill_of_materials_lists_exactly_what_is_in_it(self, target, name, root):
        text = (root / "usr/share/doc/ipt/sbom.spdx.json").read_text()
        self.assertEqual(text, (FOLDER / "bills" / f"{name}.spdx.json").read_text())
        bill = json.loads(text)
        self.assertEqual((bill["spdxVersion"], bill["dataLicense"]), ("SPDX-2.3", "CC0-1.0"))
        ids = [entry["SPDXID"] for entry in (bill, *bill["packages"], *bill["files"])]
        self.assertEqual(len(ids), len(set(ids)))
        for relation in bill["relationships"]:
            self.assertIn(relation["spdxElementId"], ids)
            self.assertIn(relation["relatedSpdxElement"], ids)

        files = {entry["fileName"].removeprefix("./"): entry for entry in bill["files"]}
        self.assertEqual(set(files), {path for path, file in files_of(root).items() if is_elf(file)})
        for path, entry in files.items():
            data = (root / path).read_bytes()
            self.assertEqual({c["algorithm"]: c["checksumValue"] for c in entry["checksums"]},
                             {"SHA1": hashlib.sha1(data).hexdigest(), "SHA256": hashlib.sha256(data).hexdigest()})

        # Each file is of one package, and that of the version which the image's package list has.
        packages = {entry["SPDXID"]: entry for entry in bill["packages"]}
        owners = [(r["relatedSpdxElement"], packages[r["spdxElementId"]]["name"])
                  for r in bill["relationships"] if r["relationshipType"] == "CONTAINS"]
        self.assertEqual(sorted(file for file, _ in owners), sorted(e["SPDXID"] for e in files.values()))
        self.assertEqual([file for file, package in owners if package == name],
                         [files[f"usr/bin/{name}"]["SPDXID"]])
        listed = {path.name: re.search(r"(?m)^Version: (\S+)$", path.read_text())[1]
                  for path in (root / "var/lib/dpkg/status.d").iterdir()}
        debian = {p["name"]: p["versionInfo"] for p in bill["packages"] if p["name"] != name}
        self.assertEqual(debian, listed)
        self.assertEqual(dict(owners)[files["usr/lib/x86_64-linux-gnu/libc.so.6"]["SPDXID"]]
                         if os.uname().machine == "x86_64" else "libc6", "libc6")
        self.assertEqual({p["name"] for p in bill["packages"] if not p["filesAnalyzed"]},
                         {"base-files", "ca-certificates", "tzdata"})
        for entry in bill["packages"]:
            if entry["name"] != name:
                self.assertRegex(entry["externalRefs"][0]["referenceLocator"],
                                 r"^pkg:deb/debian/[^@]+@[^?+:]+\?arch=\w+&distro=debian-12&upstream=[^&]+$")


# ------------------------------------------------------------------------------------------- running

class Container:
    """An image, run as in a pod: its own processes and mounts, its user, nothing to write to but a volume."""

    def __init__(self, target):
        self.binary = f"/usr/bin/{TARGETS[target]}"
        self.root = ROOTS[target]
        for name in ("dev", "proc"):  # made by the runtime where an image has none
            (self.root / name).mkdir(exist_ok=True)
        self.volume = pathlib.Path(tempfile.mkdtemp(prefix="ipt-volume-", dir=FOLDER))
        os.chown(self.volume, USER, USER)

    def command(self, *words):
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", ENTER, "sh",
                self.root, self.volume, self.binary, *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120, check=False)


def first_process(process):
    """Of a container's, as it is seen from here."""
    child, = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


class ImageServer(Server):
    """The server of end-to-end tests, out of its image."""

    def __init__(self, engine, flags=()):
        self.container = Container(SERVERS[engine])
        super().__init__(engine, flags=flags, store=["--data_dir=/var/lib/ipt/data"] if engine == "suite" else None)

    def run(self, *words, timeout=120):
        return self.container.run(*words)

    def command(self):
        _, *flags = super().command()
        return self.container.command("serve", *flags)

    def stop(self, how=signal.SIGTERM, seconds=40):
        self.leave()
        os.kill(first_process(self.process), how)
        return self.process.wait(seconds)

    def health(self, service=""):
        ask = dynamic("grpc.health.v1.HealthCheckRequest")
        call = self.channel().unary_unary(
            "/grpc.health.v1.Health/Check", request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=dynamic("grpc.health.v1.HealthCheckResponse").FromString)
        return call(ask(service=service), timeout=60, wait_for_ready=True).status


class RunningImages(unittest.TestCase):
    maxDiff = None

    def serve(self, engine, flags=()):
        server = ImageServer(engine, flags)
        self.addCleanup(server.close)
        return server

    def assert_confined(self, process):
        """It runs as its user, without privileges, as process 1, and its root cannot be written to."""
        about = pathlib.Path(f"/proc/{first_process(process)}")
        status = dict(line.split(":\t", 1) for line in (about / "status").read_text().splitlines() if ":\t" in line)
        self.assertEqual(status["Uid"].split(), [str(USER)] * 4)
        self.assertEqual(status["Gid"].split(), [str(USER)] * 4)
        self.assertEqual(status["Groups"].strip(), "")
        self.assertEqual(int(status["CapEff"], 16) | int(status["CapPrm"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["NSpid"].split()[-1], "1")
        root = next(line.split() for line in (about / "mounts").read_text().splitlines() if line.split()[1] == "/")
        self.assertIn("ro", root[3].split(","))

    def assert_ends_well(self, server):
        self.assertEqual(server.stop(), 0, server.log())

    def test_say_their_version_and_help(self):
        for target, name in TARGETS.items():
            with self.subTest(target):
                container = Container(target)
                there = subprocess.run([BUILD / "bin" / name, "--version"], check=True, capture_output=True,
                                       text=True)
                done = container.run("--version")
                self.assertEqual((done.returncode, done.stdout), (0, there.stdout), done.stderr)
                self.assertEqual(container.run("--help").returncode, 0)

    def test_services_migrate_serve_and_end_when_told(self):
        for engine in ("postgres", "formulation", "outcomes"):
            with self.subTest(engine):
                server = self.serve(engine)  # runs `migrate` first
                self.assertEqual(http(server.admin, "/readyz")[0], 200)
                self.assertEqual(http(server.admin, "/livez")[0], 200)
                self.assertEqual(server.health(), 1)
                self.assertGreater(len(server.services()), 3)
                self.assert_confined(server.process)
                self.assert_ends_well(server)

    def test_a_service_migrates_a_file_in_its_volume(self):
        container = Container("scheduling")
        done = container.run("migrate", "--database=sqlite:///var/lib/ipt/scheduling.db")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((container.volume / "scheduling.db").stat().st_uid, USER)

    def test_does_not_serve_other_machines_without_tls(self):
        done = Container("suite").run("serve", f"--listen=0.0.0.0:{free_port()}", "--admin_listen=")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("TLS", done.stderr)

    def test_the_suite_answers_iptctl_and_the_gateway(self):
        server = self.serve("suite", flags=["--outcomes", "--formulation"])
        self.assert_confined(server.process)
        # A zone that only the image's own time zones can tell.
        made = Api(server.channel()).CreateClinic(clinic_id="north", clinic=dict(
            display_name="North", time_zone="Australia/Lord_Howe"))
        self.assertEqual(made.name, "clinics/north")

        listed = Container("iptctl").run("--server", server.target(), "clinic", "list", "--output", "json")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("clinics/north", listed.stdout)

        gateway = Container("deliver")
        delivered = gateway.run("--server", server.target(), "--clinics", "north", "--file",
                                "/var/lib/ipt/reminders", "--once")
        self.assertEqual(delivered.returncode, 0, delivered.stderr)
        self.assertTrue((gateway.volume / "reminders").exists())

        self.assert_ends_well(server)
        stores = list((server.container.volume / "data").glob("*.db"))
        self.assertEqual(len(stores), 3)
        self.assertEqual({path.stat().st_uid for path in stores}, {USER})

    def test_the_gateway_ends_when_told(self):
        server = self.serve("suite")
        Api(server.channel()).CreateClinic(clinic_id="north", clinic=dict(display_name="North", time_zone="UTC"))
        port = free_port()
        log = FOLDER / "gateway.log"
        with open(log, "wb") as file:
            gateway = subprocess.Popen(
                Container("deliver").command("--server", server.target(), "--clinics", "north", "--file",
                                             "/var/lib/ipt/reminders", "--admin-listen", f"127.0.0.1:{port}"),
                stdout=file, stderr=file)
        self.addCleanup(gateway.kill)
        support.wait_until(lambda: http(port, "/readyz")[0] == 200, "ipt-deliver", gateway)
        self.assert_confined(gateway)
        os.kill(first_process(gateway), signal.SIGTERM)
        self.assertEqual(gateway.wait(60), 0, log.read_text())
        self.assert_ends_well(server)


def main():
    global FOLDER
    with tempfile.TemporaryDirectory(prefix="ipt-images-") as folder:
        FOLDER = pathlib.Path(folder)
        began = time.monotonic()
        try:
            reason = why_not() or build()
            if reason:
                print(f"skipped: {reason}")
                return SKIPPED
            print(f"built in {time.monotonic() - began:.0f} s", flush=True)
            return 0 if unittest.main(exit=False).result.wasSuccessful() else 1
        finally:
            if BUILDAH:
                buildah("rm", "--all")  # unmounts them


if __name__ == "__main__":
    # In mounts of its own: whatever ends it, nothing stays mounted.
    own_mounts = ["unshare", "--mount", "--propagation", "private"]
    if "IPT_IMAGES_TEST" not in os.environ and subprocess.run(
            [*own_mounts, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.environ["IPT_IMAGES_TEST"] = "in mounts of its own"
        os.execvp(own_mounts[0], [*own_mounts, sys.executable, *sys.argv])
    sys.exit(main())
