"""What gateways sent, against what the store says: every promise about reminders, checked on the rows,
on the gateways' logs, and on what those who moved sessions were told."""

import collections
import copy

from gateway import is_undeliverable
from processes import Failure

# Of the rows, by their numbers.
SCHEDULED, LEASED, SENT, DEAD, CANCELLED, SUPPRESSED = range(1, 7)
OUTCOME_SENT, OUTCOME_UNKNOWN = 1, 4
TOO_LATE, REJECTED = 2, 9

Row = collections.namedtuple(
    "Row", "clinic id session generation state why_not due not_after next lease_token")
Attempt = collections.namedtuple("Attempt", "clinic id generation number token leased ended outcome")
Send = collections.namedtuple("Send", "clinic id generation token start due expire lease_end at")
Word = collections.namedtuple("Word", "clinic id token outcome verdict at")
# A change of a session's time: None where it was cancelled. `asked`: 0 where it is as it was planned.
Move = collections.namedtuple("Move", "asked done start")


class Books:
    """Everything that is compared."""

    def __init__(self, rows, attempts, sends, words, moves):
        self.rows, self.attempts, self.sends, self.words = rows, attempts, sends, words
        self.moves = moves  # by session, in order


def ids(name):
    """clinics/c/reminders/r -> (c, r)"""
    parts = name.split("/")
    return parts[1], parts[3]


def read_store(store):
    rows = [Row(r[0], r[1], r[2], *map(int, r[3:])) for r in store.rows(
        "SELECT clinic_id, reminder_id, session_id, generation, state, why_not, due_us, not_after_us,"
        " next_us, lease_token FROM reminders WHERE test = 0")]
    attempts = [Attempt(a[0], a[1], *map(int, a[2:])) for a in store.rows(
        "SELECT clinic_id, reminder_id, generation, attempt, lease_token, leased_us,"
        " COALESCE(ended_us, 0), outcome FROM reminder_attempts")]
    return rows, attempts


def read_logs(paths):
    sends, words = [], []
    for path in paths:
        with open(path, encoding="utf-8") as text:
            for line in text:
                if not line.endswith("\n"):
                    break  # killed while it wrote: nothing was sent upon it
                kind, name, *rest = line.split()
                if kind == "send":
                    sends.append(Send(*ids(name), *map(int, rest)))
                elif kind == "word":
                    token, outcome, verdict, at = rest
                    words.append(Word(*ids(name), int(token), outcome, verdict, int(at)))
    return sends, words


def tell(what, found):
    if found:
        raise Failure(f"{len(found)} {what}, e.g. {found[0]}")


def check(books, until, injected):
    """Raises Failure for the first promise that does not hold. `until`: what was due before is to have
    its outcome. `injected`: how many windows the drill made in which nobody knows whether a reminder was
    sent. Returns numbers."""
    rows = {(row.clinic, row.id): row for row in books.rows}
    attempts = {(a.clinic, a.id, a.token): a for a in books.attempts}
    by_version = collections.defaultdict(list)
    for attempt in books.attempts:
        by_version[attempt.clinic, attempt.id, attempt.generation].append(attempt)
    sends = collections.defaultdict(list)
    for send in sorted(books.sends, key=lambda send: send.at):
        sends[send.clinic, send.id, send.generation].append(send)
    ambiguous = {(s.clinic, s.id, s.token) for s in unanswered(books.sends, books.words)}
    sent_tokens = {(s.clinic, s.id, s.token) for s in books.sends}

    # One outcome each.
    tell("reminders that were due have no outcome", [
        row for row in books.rows
        if row.state == LEASED or row.state == SCHEDULED and min(row.due, row.next) <= until])
    tell("versions were applied as sent more than once", [
        version for version, of in by_version.items()
        if sum(a.outcome == OUTCOME_SENT for a in of) > 1])
    tell("attempts were made after the one that was applied", [
        version for version, of in by_version.items()
        if any(a.outcome == OUTCOME_SENT and a.number < max(b.number for b in of) for a in of)])
    for row in books.rows:
        of = by_version[row.clinic, row.id, row.generation]
        applied_here = [a for a in of if a.outcome == OUTCOME_SENT]
        if (row.state == SENT) != bool(applied_here):
            raise Failure(f"the state and the attempts differ: {row}, {of}")
        if row.state != LEASED and any(a.ended == 0 for a in of):
            raise Failure(f"an attempt never ended: {row}, {of}")
        if row.state == DEAD and row.why_not == REJECTED and not is_undeliverable(row.id):
            raise Failure(f"no gateway refused {row}")
    # What the store has as sent was sent, and what was sent was leased.
    tell("attempts are applied as sent, but no gateway sent them", [
        a for a in books.attempts
        if a.outcome == OUTCOME_SENT and (a.clinic, a.id, a.token) not in sent_tokens])
    tell("words were taken as applied, but the store has no such attempt", [
        w for w in books.words if w.verdict == "APPLIED" and (w.clinic, w.id, w.token) not in attempts])
    twice = 0
    for (clinic, reminder_id, generation), of in sends.items():
        for send in of:
            attempt = attempts.get((clinic, reminder_id, send.token))
            if attempt is None or attempt.generation != generation:
                raise Failure(f"sent without a lease: {send}")
            if send.at >= send.expire or attempt.leased >= send.expire:
                raise Failure(f"sent after its session, or its day: {send}, leased {attempt.leased}")
            if send.at < send.due or attempt.leased < send.due:
                raise Failure(f"sent before it was due: {send}, leased {attempt.leased}")
            check_time(send, attempt, books.moves.get(rows[clinic, reminder_id].session))
        tell("reminders were sent again although their word was taken", [
            send for send in of[:-1] if (clinic, reminder_id, send.token) not in ambiguous])
        tell("leases were sent under twice", [
            send for send, after in zip(of, of[1:]) if send.token == after.token])
        twice += len(of) - 1
    if twice > injected:
        raise Failure(f"{twice} were sent twice, but only {injected} windows were injected")
    states = collections.Counter(row.state for row in books.rows if row.state != SCHEDULED)
    return {
        "sent": states[SENT], "dead": states[DEAD], "cancelled": states[CANCELLED],
        "too late": sum(r.state == SUPPRESSED and r.why_not == TOO_LATE for r in books.rows),
        "sends": len(books.sends), "windows": injected, "twice": twice,
    }


def check_time(send, attempt, moves):
    """What was told was so when it was leased: no change that was acknowledged before says otherwise."""
    if not moves:
        return
    known = [move for move in moves if move.done <= attempt.leased]
    later = [move for move in moves[len(known):] if move.asked <= send.at]
    if send.start not in {move.start for move in known[-1:] + later}:
        raise Failure(f"sent with a time that was superseded: {send}, leased {attempt.leased}, {moves}")


def lateness(books, without=()):
    """Seconds from due to the first sending of each version, sorted. Without those clinics."""
    first = {}
    for send in books.sends:
        version = send.clinic, send.id, send.generation
        if send.clinic not in without:
            first[version] = min(first.get(version, send.at), send.at)
    due = {(s.clinic, s.id, s.generation): s.due for s in books.sends}
    return sorted((at - due[version]) / 1e6 for version, at in first.items())


def unanswered(sends, words):
    """Those of the sends about which no word was taken: windows."""
    applied = {(w.clinic, w.id, w.token) for w in words if w.verdict in ("APPLIED", "REPEATED")}
    return [send for send in sends if (send.clinic, send.id, send.token) not in applied]


def check_the_checks(books, until, injected):
    """Each forged book must be found out, and by the check that is for it."""
    applied = {(w.clinic, w.id, w.token) for w in books.words if w.verdict == "APPLIED"}
    send = next(s for s in books.sends if (s.clinic, s.id, s.token) in applied and any(
        r.id == s.id and r.generation == s.generation and r.state == SENT for r in books.rows))
    row = next(r for r in books.rows if r.id == send.id)
    last = max((a for a in books.attempts if a.id == send.id and a.generation == send.generation),
               key=lambda a: a.number)
    again = last._replace(number=last.number + 1, token=last.token + 10**12, outcome=OUTCOME_UNKNOWN)
    sessions = {(r.clinic, r.id): r.session for r in books.rows}
    moved = next((s for s in books.sends
                  if any(move.asked for move in books.moves.get(sessions[s.clinic, s.id], ()))), None)

    def forge(what, injected=injected, **changes):
        forged = copy.copy(books)
        for name, change in changes.items():
            value = getattr(books, name)
            setattr(forged, name, change(list(value) if isinstance(value, list) else dict(value)))
        try:
            check(forged, until, injected)
        except Failure as found:
            if what not in str(found):
                raise Failure(f"forged books ({what}) were taken for: {found}") from None
            return
        raise Failure(f"the check does not see forged books ({what})")

    def instead(old, **fields):
        return lambda of: [each._replace(**fields) if each is old else each for each in of]

    forge("have no outcome", rows=instead(row, state=SCHEDULED))
    forge("have no outcome", rows=instead(row, state=LEASED))
    forge("more than once", attempts=lambda of: of + [again._replace(outcome=OUTCOME_SENT)])
    forge("after the one that was applied", attempts=lambda of: of + [again])
    forge("state and the attempts differ", rows=instead(row, state=DEAD))
    forge("never ended", attempts=instead(last, ended=0))
    forge("no gateway sent them", sends=lambda of: [s for s in of if s is not send])
    forge("without a lease", sends=lambda of: of + [send._replace(token=send.token + 10**12)])
    forge("after its session", sends=instead(send, at=send.expire))
    forge("before it was due", sends=instead(send, at=send.due - 1))
    forge("sent under twice", words=lambda of: [], sends=lambda of: of + [send._replace(at=send.at + 1)])
    forge("although their word was taken", sends=lambda of: of + [send._replace(at=send.at + 1)])
    twice = check(books, until, injected)["twice"]
    forge("windows were injected", injected=twice,
          words=lambda of: [w for w in of if (w.id, w.token) != (send.id, send.token)],
          attempts=lambda of: [a._replace(outcome=OUTCOME_UNKNOWN) if a is last else a for a in of]
          + [again._replace(outcome=OUTCOME_SENT)],
          sends=lambda of: of + [send._replace(token=again.token, at=send.at + 1)])
    if moved is None:
        raise Failure("nothing that was moved was sent, so nothing could be superseded")
    forge("superseded", sends=instead(moved, start=moved.start + 60_000_000))
