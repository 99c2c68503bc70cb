"""Backups of the suite's stores, as tools/backup takes them and tools/restore puts them back.

A backup is a folder of its own, made aside and renamed when it is whole:

  manifest.json      what it is of: versions, instants, sizes, SHA-256, rows of every table
  SERVICE.dump       PostgreSQL: pg_dump's custom format, of one snapshot
  SERVICE.db         SQLite: a whole database, of one snapshot
  ... .sealed        the same under a key

A sealed file is AES-256-GCM in chunks of 1 MiB, by a key of its own that is derived (HKDF-SHA256) from the key
file and 16 random bytes at its beginning. A chunk's place and whether it is the last are sealed with it, so that
none can be left out, added or moved. The manifest of a sealed backup holds an HMAC of the rest of itself.

What is written is its owner's alone (0600). Nothing here prints a patient's data: manifests hold counts and names
of tables.
"""

import contextlib
import datetime
import fcntl
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import urllib.parse

SERVICES = ("scheduling", "formulation", "outcomes")
FORMAT = 1
CHUNK = 1 << 20
MAGIC = b"IPTSEAL1"
PARTIAL = ".partial-"


class Problem(Exception):
    """Why it cannot be done, in a sentence for whoever does it."""


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Progress:
    """What is being done, on standard error: rewritten in place on a terminal, else a line a step."""

    def __init__(self, quiet=False):
        self.quiet = quiet
        self.live = sys.stderr.isatty()

    def step(self, text):
        if not self.quiet:
            print(("\r\033[K" if self.live else "") + text, file=sys.stderr, flush=True)

    def part(self, text):
        if self.live and not self.quiet:
            print("\r\033[K" + text, end="", file=sys.stderr, flush=True)


def size(count):
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000


# -------------------------------------------------------------------------------------------------- keys

def make_key(path):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(os.urandom(32).hex() + "\n")


def read_key(path):
    """The 32 bytes that a key file's 64 hexadecimal digits stand for; None without a file."""
    if path is None:
        return None
    try:
        with open(path, encoding="ascii", errors="replace") as text:
            if os.fstat(text.fileno()).st_mode & 0o077:
                raise Problem(f"{path}: others may read it; chmod 600 it")
            line = text.read(1000).strip()
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    if not re.fullmatch(r"[0-9a-f]{64}", line):
        raise Problem(f"{path}: is no key; tools/backup key makes one")
    return bytes.fromhex(line)


def derive(key, salt, purpose):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose).derive(key)


def cipher(key, salt):
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise Problem("sealing needs Debian's python3-cryptography: run tools/setup") from None
    return AESGCM(derive(key, salt, b"ipt backup file"))


def seal_of(manifest, key):
    """The HMAC of a manifest without its own."""
    text = json.dumps({k: v for k, v in manifest.items() if k != "seal"}, sort_keys=True)
    salt = manifest["name"].encode()
    return hmac.new(derive(key, salt, b"ipt backup manifest"), text.encode(), hashlib.sha256).hexdigest()


class Writer:
    """A new file of its owner's alone, sealed where there is a key. Counts and hashes what is stored."""

    def __init__(self, path, key):
        self.path = path
        self.file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self.hash = hashlib.sha256()
        self.bytes = 0
        self.cipher = None
        self.waiting = bytearray()
        self.chunks = 0
        if key is not None:
            salt = os.urandom(16)
            self.cipher = cipher(key, salt)
            self._store(MAGIC + salt)

    def _store(self, data):
        self.file.write(data)
        self.hash.update(data)
        self.bytes += len(data)

    def _seal(self, plain, last):
        nonce = self.chunks.to_bytes(12, "big")
        self._store(self.cipher.encrypt(nonce, bytes(plain), b"last" if last else b"more"))
        self.chunks += 1

    def write(self, data):
        if self.cipher is None:
            return self._store(data)
        self.waiting += data
        while len(self.waiting) > CHUNK:
            self._seal(self.waiting[:CHUNK], False)
            del self.waiting[:CHUNK]

    def close(self):
        """Durable afterwards."""
        if self.cipher is not None:
            self._seal(self.waiting, True)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


def plain(path, key):
    """The plain bytes of a stored file, piece by piece; each one was authenticated where it is sealed."""
    with open(path, "rb") as file:
        if key is None:
            while data := file.read(CHUNK):
                yield data
            return
        from cryptography.exceptions import InvalidTag
        head = file.read(len(MAGIC) + 16)
        if len(head) < len(MAGIC) + 16 or not head.startswith(MAGIC):
            raise Problem(f"{path.name}: is no sealed file")
        opener, chunks = cipher(key, head[len(MAGIC):]), 0
        data = file.read(CHUNK + 16)
        while True:
            ahead = file.read(CHUNK + 16)
            try:
                yield opener.decrypt(chunks.to_bytes(12, "big"), data, b"more" if ahead else b"last")
            except (InvalidTag, ValueError):
                raise Problem(f"{path.name}: is damaged, or sealed with another key") from None
            if not ahead:
                return
            data, chunks = ahead, chunks + 1


def sync_folder(path):
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ------------------------------------------------------------------------------------------------- stores

def stores(words, data_dir, password_file, in_folder=SERVICES):
    """The stores of a command line: SERVICE=URL words, and SQLite files of these services in a folder."""
    found = []
    for word in words or ():
        service, equals, url = word.partition("=")
        if not equals or service not in SERVICES:
            raise Problem(f"--store {word}: say SERVICE=URL, the service one of {', '.join(SERVICES)}")
        if url.startswith("sqlite:///"):
            found.append(Sqlite(service, pathlib.Path(url.removeprefix("sqlite://"))))
        elif url.startswith(("postgresql://", "postgres://")):
            found.append(Postgres(service, url, password_file))
        else:
            raise Problem(f"--store {service}: the URL begins with sqlite:/// or postgresql://")
    if data_dir is not None:
        folder = pathlib.Path(data_dir).absolute()
        found += [Sqlite(service, folder / f"{service}.db") for service in in_folder]
    services = [store.service for store in found]
    for service in services:
        if services.count(service) > 1:
            raise Problem(f"{service} is named twice")
    return found


class Store:
    """A service's store; of one engine."""

    def __init__(self, service):
        self.service = service

    def stored(self, part, key):
        """The file of a backup that holds it, to be written."""
        return Writer(part / (self.service + self.suffix + (".sealed" if key else "")), key)

    @staticmethod
    def told(described, writer):
        """What the manifest says of it, once the file is whole."""
        return {"file": writer.path.name, **described, "bytes": writer.bytes, "sha256": writer.hash.hexdigest()}


class Sqlite(Store):
    engine = "sqlite"
    suffix = ".db"

    def __init__(self, service, path):
        super().__init__(service)
        self.path = path

    def __str__(self):
        return str(self.path)

    def take(self, part, key, progress):
        """Copies one snapshot while the server runs. Returns what the manifest says of it."""
        if not self.path.exists():
            raise Problem(f"{self.path}: there is no such store")
        # Sealing reads a whole copy, so there is one in between; of its owner's alone, as all here.
        aside = part / f"{self.service}.copy"
        os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(f"file:{urllib.parse.quote(str(self.path))}?mode=rw", uri=True,
                                                timeout=60, isolation_level=None)) as source:
            # The snapshot is held: writers go on, and the copy does not begin anew with each of them.
            source.execute("BEGIN")
            told = describe_sqlite(source)
            told["instant"] = stamp(now())
            with contextlib.closing(sqlite3.connect(aside, isolation_level=None)) as copy:
                source.backup(copy, pages=2048, progress=lambda _, left, all_pages: progress.part(
                    f"{self.service}: {100 * (all_pages - left) // max(1, all_pages)} %"), sleep=0)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, which is all of it
            source.execute("ROLLBACK")
        check_sqlite(aside, told, self.service)
        writer = self.stored(part, key)
        for data in plain(aside, None):
            writer.write(data)
        writer.close()
        aside.unlink()
        return self.told(told, writer)

    def check_target(self):
        """Refuses what is not empty, or not to be written."""
        folder = self.path.parent
        for there in (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))):
            if there.exists():
                raise Problem(f"{there} exists, and a store is restored into an empty place only: stop the server, "
                              f"move {self.path.name}, {self.path.name}-wal and {self.path.name}-shm aside, and "
                              "keep them until the restored store was looked at")
        lock = self.path.with_name(self.path.name + ".lock")
        if lock.exists() and is_held(lock):
            raise Problem(f"{self.service}: a server runs that had {self.path}: stop it first")
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise Problem(f"{folder}: cannot be written; run this as its owner")

    def restore(self, source, told, servers, progress):
        """Puts the copy in place, readied: a server finds all of it or nothing."""
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self.path.with_name(f".restoring-{self.path.name}")
        for left in folder.glob(aside.name + "*"):
            left.unlink()
        done = 0
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for data in source:
                out.write(data)
                done += len(data)
                progress.part(f"{self.service}: {size(done)}")
            out.flush()
            os.fsync(out.fileno())
        check_sqlite(aside, told, self.service)
        servers.ready(self.service, f"sqlite://{aside}", progress)
        with contextlib.closing(sqlite3.connect(aside, isolation_level=None)) as db:
            after = describe_sqlite(db)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        owner = os.stat(folder)
        if os.geteuid() == 0:
            os.chown(aside, owner.st_uid, owner.st_gid)
        for end in ("-wal", "-shm", ".lock"):
            aside.with_name(aside.name + end).unlink(missing_ok=True)
        os.rename(aside, self.path)
        sync_folder(folder)
        return after


def is_held(lock):
    """Whether a server holds the lock of its store."""
    with open(lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def describe_sqlite(db):
    tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE "
                                           "'sqlite\\_%' ESCAPE '\\' ORDER BY name")]
    counts = {name: db.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in tables}
    return {"engine": "sqlite", "server": sqlite3.sqlite_version, "tables": counts,
            **marks(lambda sql: [tuple(map(str, row)) for row in db.execute(sql)], tables,
                    "SELECT value FROM revision_counter")}


def check_sqlite(path, told, service):
    """Refuses a file that nobody has open unless it is whole, and what the manifest says."""
    uri = f"file:{urllib.parse.quote(str(path))}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
        try:
            found = db.execute("PRAGMA integrity_check").fetchall()
            torn = db.execute("PRAGMA foreign_key_check").fetchall()
        except sqlite3.DatabaseError as error:
            raise Problem(f"{service}: is no whole SQLite database: {error}") from None
        if found != [("ok",)] or torn:
            raise Problem(f"{service}: SQLite finds it damaged (integrity_check, foreign_key_check)")
        compare(service, told, describe_sqlite(db))


class Postgres(Store):
    engine = "postgres"
    suffix = ".dump"

    def __init__(self, service, url, password_file=None):
        super().__init__(service)
        self.url, password = without_password(url)
        if password_file is not None:
            try:
                password = pathlib.Path(password_file).read_text(encoding="utf-8").rstrip("\n")
            except OSError as error:
                raise Problem(f"{password_file}: {error.strerror}") from None
        # Never on a command line, where lists of processes show it.
        self.env = {"PGCONNECT_TIMEOUT": "15", "PGAPPNAME": "ipt-backup", **os.environ}
        if password is not None:
            self.env["PGPASSWORD"] = password
        self.password_file = password_file

    def __str__(self):
        return self.url

    def query(self, sql):
        done = self._run(["psql", *PSQL, "-d", self.url, "-c", sql])
        return [tuple(line.split("\t")) for line in done.splitlines()]

    def _run(self, words):
        done = subprocess.run(words, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Problem(f"{self.service}: {words[0]}: {last_line(done.stderr)}")
        return done.stdout

    def take(self, part, key, progress):
        """pg_dump and the counts, of one snapshot that a session holds."""
        with Session(self) as session:
            session.ask("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
            session.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = session.ask("SELECT pg_export_snapshot()")[0][0]
            told = describe_postgres(session.ask)
            writer = self.stored(part, key)
            dump = subprocess.Popen(
                ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", "-d",
                 self.url], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with dump:
                while data := dump.stdout.read(CHUNK):
                    writer.write(data)
                    progress.part(f"{self.service}: {size(writer.bytes)}")
                error = dump.stderr.read().decode(errors="replace")
            if dump.returncode != 0:
                raise Problem(f"{self.service}: pg_dump: {last_line(error)}")
            writer.close()
        return self.told(told, writer)

    def check_target(self):
        tables = self.query(TABLES)
        if tables:
            raise Problem(f"{self.service}: the database {self.name()} has {len(tables)} tables, and a store is "
                          "restored into an empty database only: make another one (createdb), restore into it, and "
                          "give the servers its URL; keep the old one until the restored store was looked at")
        others = self.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                            "pid <> pg_backend_pid() AND backend_type = 'client backend'")
        if others[0][0] != "0":
            raise Problem(f"{self.service}: {others[0][0]} other sessions are in the database {self.name()}: stop all "
                          "servers of the service first, so that none serves a store that is not readied")

    def name(self):
        return self.query("SELECT current_database()")[0][0]

    def restore(self, source, told, servers, progress):
        words = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "-d", self.url]
        error = pg_restore(words, source, self.env, lambda done: progress.part(f"{self.service}: {size(done)}"))
        if error:
            raise Problem(f"{self.service}: pg_restore: {error}. Nothing was kept of it")
        try:
            compare(self.service, told, describe_postgres(self.query))
            servers.ready(self.service, self.url, progress, self)
        except Problem as problem:
            raise Problem(f"{problem}. {self.name()} is restored, but not ready to be served: drop it, mend the cause, "
                          "and restore into an empty database again") from None
        self.query("ANALYZE")  # a dump holds no statistics, and plans are bad without
        return describe_postgres(self.query)


def pg_restore(words, source, env=None, fed=lambda done: None):
    """Feeds it a dump, piece by piece. Returns what went wrong; empty: nothing."""
    done = 0
    with subprocess.Popen(["pg_restore", *words], env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        with contextlib.suppress(BrokenPipeError):
            for data in source:
                process.stdin.write(data)
                done += len(data)
                fed(done)
            process.stdin.close()
        error = process.stderr.read().decode(errors="replace")
    return last_line(error) if process.returncode != 0 else ""


PSQL = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1")
TABLES = ("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename), tablename FROM pg_tables WHERE schemaname "
          "NOT IN ('pg_catalog', 'information_schema') ORDER BY 1")


class Session:
    """psql, asked one question after the other in one session."""

    END = "--- end of answer ---"

    def __init__(self, store):
        self.store = store
        self.process = subprocess.Popen(["psql", *PSQL, "-d", store.url], env=store.env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, sql):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{sql};\n\\echo {self.END}\n")
            self.process.stdin.flush()
        rows = []
        for line in self.process.stdout:
            if line.rstrip("\n") == self.END:
                return rows
            rows.append(tuple(line.rstrip("\n").split("\t")))
        raise Problem(f"{self.store.service}: psql: {last_line(self.process.stderr.read())}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()


def describe_postgres(ask):
    tables = ask(TABLES)
    counts = {}
    if tables:
        counts = {name: int(count) for name, count in ask(" UNION ALL ".join(
            f"SELECT '{name}', count(*) FROM {quoted}" for quoted, name in tables))}
    version, instant = ask("SELECT current_setting('server_version'), to_char(now() AT TIME ZONE 'UTC', "
                           "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0]
    return {"engine": "postgres", "server": version, "instant": instant, "tables": counts,
            **marks(ask, counts, "SELECT last_value FROM revision_counter")}


def marks(ask, tables, revision):
    """What names a store's schema and history."""
    if "schema_migrations" not in tables or "event_feed" not in tables:
        raise Problem("this is no store of the suite: it has no schema_migrations")
    return {"schema": {component: int(version) for component, version in ask(
                "SELECT component, max(version) FROM schema_migrations GROUP BY component ORDER BY component")},
            "history": ask("SELECT epoch FROM event_feed")[0][0],
            "revision": int(ask(revision)[0][0])}


def compare(service, told, found):
    wrong = sorted(name for name in {*told["tables"], *found["tables"]}
                   if told["tables"].get(name) != found["tables"].get(name))
    if wrong or told["history"] != found["history"]:
        name = wrong[0] if wrong else "event_feed"
        raise Problem(f"{service}: is not what the manifest says: {name} has "
                      f"{found['tables'].get(name)} rows, and had {told['tables'].get(name)}")


def without_password(url):
    if re.search(r"[?&]password=", url):
        raise Problem("a password does not belong into a URL's parameters, where lists of processes show it: give "
                      "it by --password-file")
    match = re.match(r"(postgres(?:ql)?://[^:/@]*):([^@/]*)@", url)
    if match is None:
        return url, None
    return match[1] + "@" + url[match.end():], urllib.parse.unquote(match[2])


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "failed and said nothing"


# ------------------------------------------------------------------------------------------------ backups

def load(folder, key=None):
    """The manifest of a backup, checked as far as itself goes."""
    folder = pathlib.Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        known = manifest["format"] == FORMAT and isinstance(manifest["sealed"], bool)
        for told in manifest["stores"]:
            known &= told["service"] in SERVICES and pathlib.PurePath(told["file"]).name == told["file"]
    except FileNotFoundError:
        raise Problem(f"{folder}: is no backup: it has no manifest.json") from None
    except OSError as error:
        raise Problem(f"{folder}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise Problem(f"{folder}: its manifest.json is damaged") from None
    if not known:
        raise Problem(f"{folder}: its manifest.json is damaged, or of a newer release")
    if not manifest["sealed"]:
        if key is not None:  # else whoever can write there puts one of their own in the place of a sealed one
            raise Problem(f"{folder}: is not sealed, so no key says whose it is: leave --key-file out where it was "
                          "taken so")
        return manifest
    if key is None:
        raise Problem(f"{folder}: is sealed: name its --key-file")
    if not hmac.compare_digest(seal_of(manifest, key), str(manifest.get("seal"))):
        raise Problem(f"{folder}: was sealed with another key, or its manifest.json was changed")
    return manifest


def verify(folder, key, progress):
    """Reads all of a backup and refuses a damaged one. Returns its manifest."""
    folder = pathlib.Path(folder)
    manifest = load(folder, key)
    for told in manifest["stores"]:
        path = folder / told["file"]
        if not path.is_file():
            raise Problem(f"{folder}: {told['file']} is missing")
        if path.stat().st_size != told["bytes"]:
            raise Problem(f"{folder}: {told['file']} has {path.stat().st_size} bytes, and had {told['bytes']}")
        found = hashlib.sha256()
        for data in plain(path, None):
            found.update(data)
            progress.part(f"{told['service']}: checksum")
        if found.hexdigest() != told["sha256"]:
            raise Problem(f"{folder}: {told['file']} is damaged: its SHA-256 is not that of the manifest")
        read_through(folder, told, key, progress)
        progress.step(f"{told['service']}: {size(told['bytes'])}, whole")
    return manifest


def read_through(folder, told, key, progress):
    """What a checksum cannot say: that the engine can read all of it."""
    progress.part(f"{told['service']}: reading all of it")
    if told["engine"] == "sqlite" and key is None:
        return check_sqlite(folder / told["file"], told, told["service"])
    source = plain(folder / told["file"], key)
    if told["engine"] == "sqlite":
        aside = folder / f".verifying-{os.getpid()}.db"
        try:
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                for data in source:
                    out.write(data)
            return check_sqlite(aside, told, told["service"])
        finally:
            aside.unlink(missing_ok=True)
    error = pg_restore(["--file=/dev/null"], source)
    if error:
        raise Problem(f"{folder}: {told['file']}: pg_restore: {error}")


def complete(collection):
    """The backups of a folder, oldest first: (folder, manifest)."""
    found = []
    for folder in sorted(pathlib.Path(collection).iterdir()):
        if folder.name.startswith(".") or not (folder / "manifest.json").is_file():
            continue
        try:
            found.append((folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return found


def take(collection, of, key, progress):
    """Takes a backup of these stores, one at a time. Returns its folder and its manifest."""
    collection = pathlib.Path(collection)
    collection.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(collection / ".lock", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(f"{collection}: another backup is being taken into it") from None
        for left in collection.glob(PARTIAL + "*"):  # of one that was killed
            shutil.rmtree(left)
        return take_locked(collection, of, key, progress)


def take_locked(collection, of, key, progress):
    begun = now()
    name = begun.strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    part = collection / (PARTIAL + name)
    part.mkdir(mode=0o700)
    try:
        told = []
        for store in of:
            progress.part(f"{store.service}: begins")
            one = store.take(part, key, progress)
            told.append({"service": store.service, **one})
            progress.step(f"{store.service}: {size(one['bytes'])}, {sum(one['tables'].values())} rows")
        manifest = {"format": FORMAT, "name": name, "begun": stamp(begun), "ended": stamp(now()),
                    "sealed": key is not None, "stores": told}
        if key is not None:
            manifest["seal"] = seal_of(manifest, key)
        writer = Writer(part / "manifest.json", None)
        writer.write((json.dumps(manifest, indent=1) + "\n").encode())
        writer.close()
        sync_folder(part)
        os.rename(part, collection / name)
        sync_folder(collection)
        return collection / name, manifest
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def drop_old(collection, keep, manifest, progress):
    """Keeps the newest so many of the same stores. Returns the names of those that are gone."""
    services = {told["service"] for told in manifest["stores"]}
    alike = [folder for folder, other in complete(collection)
             if {told["service"] for told in other.get("stores", ())} == services]
    gone = alike[:-keep] if keep else []
    for folder in gone:
        shutil.rmtree(folder)
        progress.step(f"dropped {folder.name}")
    return [folder.name for folder in gone]


def write_metrics(path, manifest):
    """For the textfile collector of Prometheus' node_exporter, which reads as another user."""
    path = pathlib.Path(path)
    lines = ["# HELP ipt_backup_last_success_timestamp_seconds When the last good backup of a store was begun.",
             "# TYPE ipt_backup_last_success_timestamp_seconds gauge"]
    begun = datetime.datetime.strptime(manifest["begun"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
    lines += [f'ipt_backup_last_success_timestamp_seconds{{store="{told["service"]}"}} {begun:.0f}'
              for told in manifest["stores"]]
    lines += ["# HELP ipt_backup_size_bytes How much the last good backup of a store takes.",
              "# TYPE ipt_backup_size_bytes gauge"]
    lines += [f'ipt_backup_size_bytes{{store="{told["service"]}"}} {told["bytes"]}' for told in manifest["stores"]]
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text("\n".join(lines) + "\n", encoding="ascii")
    aside.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
    os.replace(aside, path)


# ------------------------------------------------------------------------------------------------ servers

class Servers:
    """The suite's binaries, which alone know how a store is readied."""

    def __init__(self, folder=None):
        here = pathlib.Path(__file__).resolve().parent.parent / "build/release/bin"
        on_path = shutil.which("ipt-scheduling")
        self.folder = pathlib.Path(folder) if folder else pathlib.Path(on_path).parent if on_path else here

    def check(self, services):
        for service in services:
            if not os.access(self.folder / f"ipt-{service}", os.X_OK):
                raise Problem(f"{self.folder / f'ipt-{service}'}: is not there: name the folder of the suite's "
                              "binaries by --bin")

    def ready(self, service, url, progress, store=None):
        """Brings the schema up to date, and begins a new history."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("IPT_")}
        flags = [f"--database={url}"]
        if store is not None and store.password_file is not None:
            flags.append(f"--database_password_file={store.password_file}")
        elif store is not None:
            env.update({k: v for k, v in store.env.items() if k == "PGPASSWORD"})
        for command in ("migrate", "restored"):
            progress.part(f"{service}: {command}")
            done = subprocess.run([self.folder / f"ipt-{service}", command, *flags], env=env, text=True, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if done.returncode != 0:
                raise Problem(f"{service}: ipt-{service} {command}: {last_line(done.stderr)}")
