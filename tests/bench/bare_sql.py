"""The bare SQL of one call: its statements as PostgreSQL itself logged them, run by pgbench.

A server works with statement logging on; one of its transactions is taken out of the log, word for
word and with every parameter, and becomes a pgbench script. Parameters that differ from call to
call (the course, its therapist and patient, times of the session or form, new ids) become variables, all
others keep the value that the log shows.
"""

import glob
import json
import os
import re
import subprocess

from processes import Failure

LOGGING = {"logging_collector": "on", "log_destination": "jsonlog", "log_min_duration_statement": "0"}
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HOUR = 3600 * 10**6
WEEK = 7 * 24 * HOUR

# Courses that nobody books but pgbench, in an order that keeps neighbours' therapists apart; each
# of a therapist's courses owns one hour of the week.
COURSES = """
CREATE TABLE bench_courses AS
SELECT row_number() OVER (ORDER BY hour, therapist_id) - 1 AS place, free.*
FROM (SELECT c.clinic_id AS clinic, c.course_id AS course, c.therapist_id AS therapist,
             c.patient_id AS patient, p.value AS patient_value, therapist_id,
             row_number() OVER (PARTITION BY c.clinic_id, c.therapist_id ORDER BY c.course_id) AS hour
      FROM courses c JOIN patients p USING (clinic_id, patient_id)
      WHERE NOT EXISTS (SELECT 1 FROM sessions s
                        WHERE s.clinic_id = c.clinic_id AND s.course_id = c.course_id)) free;
ALTER TABLE bench_courses ADD PRIMARY KEY (place);
"""


class Statement:
    """One logged statement: its text with $1, $2..., and their values (None is NULL)."""

    def __init__(self, text, detail):
        self.text = text
        self.values = {
            int(number): None if value == "NULL" else value[1:-1].replace("''", "'")
            for number, value in PARAMETER.findall(detail or "")
        }


def start_logging(postgres):
    for name, value in LOGGING.items():
        postgres.sql("postgres", f"ALTER SYSTEM SET {name} = '{value}'")
    postgres.stop("fast")
    postgres.start()


def stop_logging(postgres):
    for name in LOGGING:
        postgres.sql("postgres", f"ALTER SYSTEM RESET {name}")
    postgres.stop("fast")
    postgres.start()


def transactions(postgres):
    """Every logged transaction, a list of statements without BEGIN and COMMIT, with its BEGIN."""
    open_ones = {}
    for path in sorted(glob.glob(os.path.join(postgres.folder, "data", "log", "*.json"))):
        with open(path, encoding="utf-8") as log:
            for line in log:
                entry = json.loads(line)
                match = re.match(r"duration: [\d.]+ ms  (?:statement|execute \w+): (.*)",
                                 entry.get("message", ""), re.S)
                if not match:
                    continue
                text, session = match[1], entry["session_id"]
                if text.startswith("BEGIN"):
                    open_ones[session] = (text, [])
                elif text == "COMMIT":
                    if session in open_ones:
                        yield open_ones.pop(session)
                elif session in open_ones:
                    open_ones[session][1].append(Statement(text, entry.get("detail")))


def one_of(postgres, what, fits):
    """Of the transactions that fit, one with the most usual sequence of statements."""
    found = [(begin, body) for begin, body in transactions(postgres) if fits(body)]
    shapes = {}
    for begin, body in found:
        shapes.setdefault(tuple(s.text for s in body), []).append((begin, body))
    if not shapes:
        raise Failure(f"PostgreSQL's log shows no {what}")
    usual = max(shapes.values(), key=len)
    return usual[len(usual) // 2]


def session_of(body):
    """The booked session of a booking's transaction: (clinic, course, therapist, patient, start)."""
    return inserted(body, "sessions")


def inserted(body, table):
    """The first row that a transaction adds to a table, as {column: value}; None where it adds none."""
    for statement in body:
        match = re.match(rf"INSERT INTO {table} \((.*?)\)", statement.text)
        if match:
            columns = match[1].split(", ")
            return {name: statement.values[i + 1] for i, name in enumerate(columns)}
    return None


class Script:
    """A pgbench script in the making, with the constants that it is given by -D. Scripts that run
    together share them. `weight`: how often it runs beside others."""

    def __init__(self, lines, constants=None, weight=1):
        self.lines = lines
        self.constants = {"started": "0"} if constants is None else constants
        self.weight = weight
        self.ids = {}  # logged id: the variable that has a new one in each call

    def add(self, statement, variables):
        """`variables`: logged value -> name of the variable that stands for it."""
        def substitute(match):
            value = statement.values[int(match[1])]
            if not value:  # pgbench has no such variables
                return "NULL" if value is None else "''"
            name = variables.get(value)
            if name is None and UUID.fullmatch(value):
                name = self.new_id(value)
            if name is not None:
                return ":" + name
            name = f"c{len(self.constants)}"
            self.constants[name] = value
            return self.with_new_ids(":" + name, value, variables)

        self.lines.append(re.sub(r"\$(\d+)\b", substitute, statement.text) + ";")

    def new_id(self, logged):
        return self.ids.setdefault(logged, f"id{len(self.ids)}")

    def with_new_ids(self, constant, value, variables):
        """Rows that are written as one JSON text have ids in it."""
        for found in sorted(set(UUID.findall(value))):
            name = variables.get(found) or self.new_id(found)
            constant = f"replace(CAST({constant} AS TEXT), '{found}', CAST(:{name} AS TEXT))"
        return constant

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            ids = [f"\\set {name} random(1, 9000000000000000000)" for name in self.ids.values()]
            file.write("\n".join(ids + self.lines) + "\n")
        os.chmod(path, 0o644)


PICK = ("SELECT clinic, course, therapist, patient, patient_value, hour FROM bench_courses "
        "WHERE place = :place \\gset")
RECORD_PICK = "SELECT clinic, course FROM bench_courses WHERE place = :place \\gset"


def booking_script(begin, body):
    """Each client books the 16 sessions of one course after the other, as ipt-load does."""
    session = session_of(body)
    start, end = int(session["start_us"]), int(session["end_us"])
    # Midnight of the day on which the load's courses begin.
    first = start - (int(session["session_number"]) - 1) * WEEK
    first -= first % (24 * HOUR)
    script = Script([
        "\\if :started = 0",
        "\\set place :first + :client_id",
        "\\set number 0",
        "\\set started 1",
        PICK,
        "\\elif :number = 16",
        "\\set place :place + :clients",
        "\\set number 0",
        PICK,
        "\\endif",
        f"\\set start {first} + :hour * {HOUR} + :number * {WEEK}",
        f"\\set end :start + {end - start}",
        f"\\set blocked :start + {int(session['blocked_until_us']) - start}",
        "\\set number :number + 1",
        begin + ";",
    ])
    variables = {
        session["clinic_id"]: "clinic",
        session["course_id"]: "course",
        session["therapist_id"]: "therapist",
        session["patient_id"]: "patient",
        str(start): "start",
        session["blocked_until_us"]: "blocked",
        session["end_us"]: "end",
    }
    for statement in body:
        # The patient's identifier, where other open courses of theirs are looked for.
        match = re.search(r"p\.value = \$(\d+)", statement.text)
        if match:
            variables[statement.values[int(match[1])]] = "patient_value"
    for statement in body:
        script.add(statement, variables)
    script.lines.append("COMMIT;")
    return script


def read_script(begin, body):
    """Each client reads one course over and over, hot as it can be."""
    script = Script(["\\if :started = 0", "\\set place :first + :client_id", "\\set started 1", PICK,
                     "\\endif", begin + ";"])
    variables = {}
    for statement in body:
        for column, number in re.findall(r"(\w+) = \$(\d+)", statement.text):
            name = {"clinic_id": "clinic", "course_id": "course", "therapist_id": "therapist"}.get(column)
            if name:
                variables[statement.values[int(number)]] = name
    for statement in body:
        script.add(statement, variables)
    script.lines.append("COMMIT;")
    return script


# Copies of a course of each clinic, all of them without measurements.
RECORD_COURSES = """
CREATE TABLE bench_templates AS
SELECT clinic_id, min(course_id) AS course_id, row_number() OVER (ORDER BY clinic_id) - 1 AS rank
FROM course_copies GROUP BY clinic_id;
CREATE TABLE bench_courses AS
SELECT (n - 1) * (SELECT count(*) FROM bench_templates) + rank AS place, clinic_id AS clinic,
       'bare-' || n AS course, course_id AS template
FROM bench_templates, generate_series(1, {count}) n;
ALTER TABLE bench_courses ADD PRIMARY KEY (place);
INSERT INTO course_copies
SELECT (jsonb_populate_record(c, jsonb_build_object('course_id', b.course))).*
FROM bench_courses b JOIN course_copies c ON c.clinic_id = b.clinic AND c.course_id = b.template;
INSERT INTO course_session_copies
SELECT (jsonb_populate_record(s, jsonb_build_object('course_id', b.course))).*
FROM bench_courses b JOIN course_session_copies s ON s.clinic_id = b.clinic AND s.course_id = b.template;
"""
FORMS_A_COURSE = 20  # 16 weekly sessions, and follow-ups
DUPLICATE_WINDOW = 12 * HOUR


def make_record_courses(postgres, database, count):
    _, error = postgres.sql(database, RECORD_COURSES.format(count=-(-count // 2)), 300)
    if error:
        raise Failure(error)


def record_scripts(postgres, risk):
    """Each client records one form a week of one course after the other, as ipt-load does, `risk` of
    them with an alert: two transactions, of which the first one finds the course."""
    find = one_of(postgres, "course looked up", lambda body: body and
                  "FROM course_copies WHERE clinic_id = $1 AND course_id = $2" in body[0].text and
                  not any(s.text.startswith(("INSERT", "UPDATE")) for s in body))
    scripts = []
    for raises, share in ((True, risk), (False, 1 - risk)):
        write = one_of(postgres, "RecordMeasurement", lambda body, raises=raises: inserted(
            body, "measurements") and bool(inserted(body, "alerts")) == raises)
        row = inserted(write[1], "measurements")
        completed = int(row["completed_us"])
        script = Script([
            "\\if :started = 0",
            "\\set place :first + :client_id",
            "\\set number 0",
            "\\set started 1",
            RECORD_PICK,
            f"\\elif :number = {FORMS_A_COURSE}",
            "\\set place :place + :clients",
            "\\set number 0",
            RECORD_PICK,
            "\\endif",
            f"\\set completed {completed - FORMS_A_COURSE * WEEK} + :number * {WEEK}",
            f"\\set window_from :completed - {DUPLICATE_WINDOW}",
            f"\\set window_to :completed + {DUPLICATE_WINDOW}",
            "\\set number :number + 1",
        ], scripts[0].constants if scripts else None, round(100 * share))
        write_variables = {
            row["clinic_id"]: "clinic", row["course_id"]: "course", row["completed_us"]: "completed",
            str(completed - DUPLICATE_WINDOW): "window_from",
            str(completed + DUPLICATE_WINDOW): "window_to",
        }
        looked_up = find[1][0].values
        for (begin, body), variables in ((find, {looked_up[1]: "clinic", looked_up[2]: "course"}),
                                         (write, write_variables)):
            script.lines.append(begin + ";")
            for statement in body:
                script.add(statement, variables)
            script.lines.append("COMMIT;")
        scripts.append(script)
    return scripts


def first_free(postgres, database, table):
    """The first of bench_courses after all that have rows in a table."""
    rows, error = postgres.sql(database, f"""
        SELECT coalesce(max(place) + 1, 0) FROM bench_courses b WHERE EXISTS (
          SELECT 1 FROM {table} s WHERE s.clinic_id = b.clinic AND s.course_id = b.course)""")
    if error:
        raise Failure(error)
    return rows[0][0]


# Batches of what is due, in the order in which it is, as the JSON that the server's statements take;
# of each the lease's token is known before.
BATCHES = """
CREATE TABLE bench_batches AS
SELECT place, 1000000 + place AS token,
       json_agg(reminder_id ORDER BY rank)::text AS ids,
       json_agg(course_id ORDER BY course_id)::text AS courses,
       json_agg(json_build_array(reminder_id, 1000000 + place) ORDER BY rank)::text AS leases,
       json_agg(json_build_array(clinic_id, reminder_id, 3, 0, {now}::bigint, null, {now}::bigint)
                ORDER BY rank)::text AS changes,
       json_agg(json_build_array(clinic_id, reminder_id, generation, 1, 1, '') ORDER BY rank)::text AS ends
FROM (SELECT r.*, rank / {batch} AS place
      FROM (SELECT r.*, row_number() OVER (ORDER BY next_us, reminder_id) - 1 AS rank
            FROM reminders r WHERE state = 1) r) r
GROUP BY place;
ALTER TABLE bench_batches ADD PRIMARY KEY (place);
"""


def is_lease(body):
    return any(s.text.startswith("UPDATE reminders AS r SET state = 2") for s in body)


def is_completion(body):
    return any(s.text.startswith("UPDATE reminder_attempts SET ended_us") for s in body)


def batch_size(body):
    """Of the first list of ids that a lease or a completion names."""
    lists = [value for s in body for value in s.values.values() if value and value.startswith('["')]
    return len(json.loads(lists[0])) if lists else 0


def delivery_script(lease, completion):
    """Each client leases a batch and completes it as sent, one after the other: two transactions."""
    script = Script([
        "\\if :started = 0",
        "\\set place :first + :client_id",
        "\\set started 1",
        "\\else",
        "\\set place :place + :clients",
        "\\endif",
        "SELECT token, ids, courses, leases, changes, ends FROM bench_batches WHERE place = :place \\gset",
    ])
    for begin, body in (lease, completion):
        variables = {}
        for statement in body:
            lists = [value for value in statement.values.values() if value and value.startswith("[")]
            for value in lists:
                if value in variables:
                    continue
                if value.startswith('["'):
                    variables[value] = "ids" if "ids" not in variables.values() else "courses"
                elif statement.text.startswith("UPDATE reminders SET"):
                    variables[value] = "changes"
                elif statement.text.startswith("UPDATE reminder_attempts"):
                    variables[value] = "ends"
                else:
                    variables[value] = "leases"
            match = re.search(r"lease_token = \$(\d+)", statement.text)
            if match:
                variables[statement.values[int(match[1])]] = "token"
        script.lines += ["\\set id random(1, 9000000000000000000)", begin + ";"]
        for statement in body:
            script.add(statement, variables)
        script.lines.append("COMMIT;")
    return script


def pgbench(postgres, database, scripts, path, clients, seconds, table="sessions"):
    """Runs of the scripts a second, of prepared statements, no pipelining. `table`: what they fill."""
    return run_pgbench(postgres, database, scripts, path, clients, first_free(postgres, database, table),
                       ["-T", str(max(1, round(seconds)))], seconds + 60)


def run_pgbench(postgres, database, scripts, path, clients, first, until, timeout):
    """`until`: pgbench's own words for when it ends."""
    scripts = scripts if isinstance(scripts, list) else [scripts]
    files = []
    for i, script in enumerate(scripts):
        script.write(f"{path}.{i}")
        files += ["-f", f"{path}.{i}@{script.weight}"]
    constants = {**scripts[0].constants, "clients": str(clients), "first": str(first)}
    done = subprocess.run(
        [f"{os.path.dirname(postgres.bin)}/bin/pgbench", "-n", "-M", "prepared", "-c", str(clients),
         "-j", "2", *until, *files, "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "ipt",
         *[word for name, value in constants.items() for word in ("-D", f"{name}={value}")], database],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    if done.returncode != 0 or not rate or "aborted" in done.stderr:
        raise Failure(f"pgbench: {done.stderr.strip()[-600:] or done.stdout[-600:]}")
    return float(rate[1])
