"""Real servers for drills: a service of the suite, a PostgreSQL, a Redis and a Sentinel of our own.

Every child dies with this process. Logs stay in the drill's folder.
"""

import contextlib
import ctypes
import glob
import json
import os
import pwd
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

# Children are forked (preexec_fn) while clients call, and gRPC's handlers of that may wait for ever.
# It is read when grpc is imported, which is later: contract.Client does it.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """What a drill found wrong, in one sentence."""


class Skip(Exception):
    """Why a drill cannot run here."""


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


_dead = []


def dead_port():
    """A port where nobody listens, nor can while this process lives."""
    _dead.append(socket.socket())
    _dead[-1].bind(("127.0.0.1", 0))
    return _dead[-1].getsockname()[1]


def wait_for(what, condition, seconds=60, every=0.02):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise Failure(f"{what} did not come within {seconds} s")


class Tools:
    """Where the binaries are, and one folder for everything that a drill leaves behind."""

    def __init__(self, bin_dir, folder):
        self.bin = bin_dir
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def stubs(self):
        """The folder of the generated Python stubs."""
        stubs = os.path.join(os.path.dirname(os.path.abspath(self.bin)), "generated_python")
        if not os.path.exists(os.path.join(stubs, "ipt")):
            raise Failure(f"{stubs} is missing: cmake --build --preset release --target ipt_python_stubs")
        return stubs

    def load_args(self, target, command, flags):
        return [
            os.path.join(self.bin, "ipt-load"),
            command,
            f"--server={target.address}",
            "--output=json",
            *[f"--{name}={value}" for name, value in flags.items()],
        ]

    def load(self, target, command, timeout=300, **flags):
        """Runs ipt-load to its end. Returns its exit status and what it printed."""
        return self.start_load(target, command, **flags).result(timeout)

    def start_load(self, target, command, **flags):
        return Load(self.load_args(target, command, flags))


class Load:
    """A running ipt-load."""

    def __init__(self, args):
        self.args = args
        self.process = subprocess.Popen(
            args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent
        )

    def running(self):
        return self.process.poll() is None

    def result(self, timeout=300):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Failure(f"ipt-load {self.args[1]} did not end within {timeout} s")
        if self.process.returncode not in (0, 1):
            raise Failure(f"ipt-load {self.args[1]}: {err.strip() or self.process.returncode}")
        return self.process.returncode, json.loads(out)


class Service:
    """ipt-suite on SQLite, with scheduling unless `flags` ask for more, or a service of its own on PostgreSQL;
    the same ports over restarts."""

    def __init__(self, tools, engine, name, database=None, flags=(), tmpfs_mb=None, ahead=0,
                 binary="ipt-scheduling"):
        self.tools = tools
        self.engine = engine
        self.env = clock_ahead(ahead) if ahead else None
        self.port, self.admin_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = tools.path(f"{name}.log")
        self.starts = 0
        self.process = None
        self.tmpfs = None
        self.data = None
        common = [
            f"--listen={self.address}",
            f"--admin_listen=127.0.0.1:{self.admin_port}",
            "--log_level=warning",
            *flags,
        ]
        if engine == "sqlite":
            self.data = tools.path(f"{name}-data")
            os.mkdir(self.data)
            # Of the services what `flags` ask for: the last of a flag holds.
            args = [os.path.join(tools.bin, "ipt-suite"), f"--data_dir={self.data}", "--nooutcomes",
                    "--noformulation", *common]
        else:
            args = [os.path.join(tools.bin, binary), f"--database={database}", *common]
            self._run([args[0], "migrate", args[1]])
        if tmpfs_mb is not None:
            self.tmpfs = Tmpfs(self.data, tmpfs_mb)
        self.args = args

    def _run(self, args):
        with open(self.log, "ab") as log:
            if subprocess.run(args, stdout=log, stderr=log, timeout=60).returncode != 0:
                raise Failure(f"{' '.join(args)} failed; see {self.log}")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                preexec_fn=die_with_parent
            )
        self.starts += 1
        wait_for("readiness of " + os.path.basename(self.args[0]), self.ready)
        return self

    def get(self, path):
        """The status and body of the admin port's answer; (0, "") where there is none."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.admin_port}{path}", timeout=5
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name):
        """The value of the first line of this name (and labels, where they are given); None if none."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name)] in " {":
                return float(line.rsplit(" ", 1)[1])
        return None

    def total(self, name, **labels):
        """The values of all lines of this name that have each of these labels, with one of its values; added up."""
        wanted = [[f'{label}="{value}"' for value in values] for label, values in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics")[1].splitlines()
                   if line.startswith(name + "{") and all(any(one in line for one in each) for each in wanted))

    def logged(self, event):
        """The lines of this event in the log, as dictionaries."""
        lines = []
        with open(self.log, encoding="utf-8", errors="replace") as text:
            for line in text:
                if f'"event":"{event}"' in line.replace(" ", "") and line.endswith("}\n"):
                    lines.append(json.loads(line))
        return lines

    def ready(self):
        if self.process.poll() is not None:
            raise Failure(f"the service ended with {self.process.returncode}; see {self.log}")
        return self.get("/readyz")[0] == 200

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As an operator stops it; an exit status other than 0 is a failure."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        self.wait_for_end()

    def wait_for_end(self):
        """After SIGTERM."""
        try:
            status = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("the service did not stop within 40 s of SIGTERM")
        if status != 0:
            raise Failure(f"the service stopped with exit status {status}; see {self.log}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        try:
            if kind is None:
                self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill()
            if self.tmpfs:
                self.tmpfs.close()


def clock_ahead(seconds):
    """The environment in which a process' wall clock is ahead. Its monotonic clock is not, as with a
    clock that is set wrong."""
    found = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise Failure("no libfaketime: run tools/setup")
    return {**os.environ, "LD_PRELOAD": found[-1], "FAKETIME": f"+{seconds}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def mount_namespace():
    """The words that run a program, as the same user, where it may mount file systems that nobody
    else sees. None where the system has none of that."""
    if os.getuid() == 0:
        choices = [["unshare", "--mount"]]
        # In a chroot the propagation of / cannot be set, which does no harm where it is private.
        with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            if "shared:" not in mounts.read():
                choices.append(["unshare", "--mount", "--propagation", "unchanged"])
    else:
        choices = [["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]]
    with contextlib.suppress(FileNotFoundError):
        for words in choices:
            if subprocess.run([*words, "true"], stderr=subprocess.DEVNULL).returncode == 0:
                return words
    return None


class Tmpfs:
    """A small file system. Needs mount_namespace()."""

    def __init__(self, mount_point, megabytes):
        self.mount_point = mount_point.encode()
        if "DRILL_NAMESPACE" not in os.environ:
            raise Skip("a small disk needs root, or user namespaces, to be mounted")
        if _libc.mount(b"tmpfs", self.mount_point, b"tmpfs", 0, f"size={megabytes}m".encode()) != 0:
            raise Skip(f"a small disk cannot be mounted here: {os.strerror(ctypes.get_errno())}")

    def close(self):
        _libc.umount2(self.mount_point, 2)  # MNT_DETACH


class Postgres:
    """A PostgreSQL of our own, durable as in production. As root it runs as an unprivileged user.
    With `primary`, a standby that streams from that one, under its name."""

    def __init__(self, tools, name="postgres", primary=None):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        if not found:
            raise Failure("no PostgreSQL in /usr/lib/postgresql: run tools/setup")
        self.bin = os.path.dirname(found[-1])
        self.name = name
        self.folder = tools.path(name)
        os.mkdir(self.folder)
        self.user = None
        if os.getuid() == 0:
            for name in ("postgres", "nobody"):
                try:
                    self.user = pwd.getpwnam(name)
                    break
                except KeyError:
                    continue
            if self.user is None:
                raise Failure("no unprivileged user to run PostgreSQL as")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.port = free_port()
        self.log = os.path.join(self.folder, "log")
        self.process = None
        if primary is None:
            self._as_user([
                f"{self.bin}/initdb", "-D", f"{self.folder}/data", "-U", "ipt", "-A", "trust", "-E",
                "UTF8", "--locale=C.UTF-8", "--no-sync"]).wait()
        else:
            self._as_user([
                f"{self.bin}/pg_basebackup", "-D", f"{self.folder}/data", "-R", "-X", "stream", "-c", "fast",
                "--no-sync", "-d",
                f"host=127.0.0.1 port={primary.port} user=ipt application_name={self.name}"]).wait()
        self.start()

    def _as_user(self, args):
        def become():
            if self.user is not None:
                os.setgroups([])
                os.setgid(self.user.pw_gid)
                os.setuid(self.user.pw_uid)
            die_with_parent()

        with open(self.log, "ab") as log:
            return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                    preexec_fn=become)

    def start(self):
        self.process = self._as_user([
            f"{self.bin}/postgres", "-D", f"{self.folder}/data", "-p", str(self.port), "-h",
            "127.0.0.1", "-k", self.folder, "-c", "max_connections=150", "-c",
            "shared_buffers=32MB", "-c", "log_min_messages=warning"])
        wait_for("PostgreSQL", self._answers, 60)

    def _answers(self):
        if self.process.poll() is not None:
            raise Failure(f"PostgreSQL ended with {self.process.returncode}; see {self.log}")
        return subprocess.run(
            [f"{self.bin}/pg_isready", "-q", "-h", self.folder, "-p", str(self.port), "-d",
             "postgres", "-U", "ipt"]).returncode == 0

    def stop(self, mode):
        """fast: sessions are ended and data is checkpointed. immediate: as a crash."""
        self.process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        self.process.wait(60)

    def crash(self):
        """As a machine that is gone: kill -9 of all its processes at once."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as text:
            children = [int(pid) for pid in text.read().split()]
        self.process.kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)

    def follow_with(self, standby):
        """From now on a commit is acknowledged when that standby has applied it."""
        wait_for("the standby", lambda: self.sql("postgres", "SELECT application_name FROM pg_stat_replication"
                                                 " WHERE state = 'streaming'")[0] == [(standby.name,)])
        for statement in (f"ALTER SYSTEM SET synchronous_standby_names = '\"{standby.name}\"'",
                          "ALTER SYSTEM SET synchronous_commit = remote_apply", "SELECT pg_reload_conf()"):
            _, error = self.sql("postgres", statement)
            if error:
                raise Failure(error)
        wait_for("synchronous replication", lambda: self.sql(
            "postgres", "SELECT sync_state FROM pg_stat_replication")[0] == [("sync",)])

    def promote(self):
        """A standby becomes the primary."""
        rows, error = self.sql("postgres", "SELECT pg_promote()")
        if error or rows != [("t",)]:
            raise Failure(f"the standby was not promoted: {error or rows}")

    def sql(self, database, text, timeout=60):
        """The rows' columns as texts, and the error or None."""
        done = subprocess.run(
            [f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h",
             self.folder, "-p", str(self.port), "-U", "ipt", "-d", database, "-f", "-"],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        rows = [tuple(line.split("\t")) for line in done.stdout.splitlines() if line]
        return rows, done.stderr.strip() if done.returncode != 0 else None

    def new_database(self):
        name = f"drill_{random.getrandbits(40):x}"
        _, error = self.sql("postgres", f"CREATE DATABASE {name}")
        if error:
            raise Failure(error)
        return name

    def url(self, database):
        return f"postgresql://ipt@127.0.0.1:{self.port}/{database}"

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.stop("immediate")


class Redis:
    """A redis-server of our own on a socket (and a port, where one is given), with nothing kept on
    disk but by `save`."""

    def __init__(self, tools, flags=(), name="redis", port=0, password=None):
        self.folder = tools.path(name)
        os.mkdir(self.folder)
        self.socket = os.path.join(self.folder, "socket")
        self.log = os.path.join(self.folder, "log")
        self.flags = ["--port", str(port), *flags]
        self.password = password
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--bind", "127.0.0.1", "--unixsocket", self.socket, "--dir", self.folder,
                 "--save", "", *self.flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)
        wait_for("Redis", lambda: self.cli("PING") == "PONG")

    def cli(self, *command):
        password = ["--no-auth-warning", "-a", self.password] if self.password else []
        return subprocess.run(["redis-cli", "-s", self.socket, *password, *command], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()

    def info(self, field):
        for line in self.cli("INFO", "everything").splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
        return None

    def url(self):
        return f"unix://{self.socket}"

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def save(self):
        """Keeps a snapshot, from which the next start is made."""
        if self.cli("SAVE") != "OK":
            raise Failure(f"Redis did not save; see {self.log}")

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def close(self):
        if self.process.poll() is None:
            self.kill()


class Sentinel:
    """A redis-sentinel of our own that watches one master, and whose word alone is enough."""

    MASTER = "drill"

    def __init__(self, tools, master_port, down_ms):
        self.folder = tools.path("sentinel")
        os.mkdir(self.folder)
        self.port = free_port()
        config = os.path.join(self.folder, "sentinel.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
                      f"sentinel monitor {self.MASTER} 127.0.0.1 {master_port} 1\n"
                      f"sentinel down-after-milliseconds {self.MASTER} {down_ms}\n"
                      f"sentinel failover-timeout {self.MASTER} 10000\n")
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(["redis-sentinel", config], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=die_with_parent)
        wait_for("Sentinel", lambda: self.cli("PING") == "PONG")

    def cli(self, *command):
        return subprocess.run(["redis-cli", "-p", str(self.port), *command], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()

    def master_port(self):
        lines = self.cli("SENTINEL", "get-master-addr-by-name", self.MASTER).splitlines()
        return int(lines[1]) if len(lines) == 2 else None

    def replicas(self):
        return self.cli("SENTINEL", "replicas", self.MASTER).splitlines().count("name")

    def url(self):
        return f"sentinel://127.0.0.1:{self.port}/{self.MASTER}"

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
