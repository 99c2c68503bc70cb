#!/usr/bin/python3
"""A messaging gateway's work against real servers, on both stores and both transports: leases, words about
them, streams, and what becomes of reminders that change, fail, or are never heard of again."""

import datetime
import queue
import unittest

import support  # first: it makes the generated stubs importable
from google.protobuf import field_mask_pb2
from ipt.scheduling.v1 import delivery_service_pb2 as pb
from ipt.scheduling.v1 import reminder_pb2

from support import Refused, instant, now, ts, wait_until

MINUTE = datetime.timedelta(minutes=1)
SENT, RETRY, DEAD = 1, 2, 3
PATIENT, THERAPIST = 1, 2
EMAIL = 2


def state(name):
    return reminder_pb2.ReminderState.Value("REMINDER_STATE_" + name)


def why(name):
    return reminder_pb2.ReminderWhyNot.Value("REMINDER_WHY_NOT_" + name)


def verdicts(answer):
    return [pb.LeaseVerdict.Name(r.verdict).removeprefix("LEASE_VERDICT_") for r in answer.results]


class Stream:
    """One StreamReminders; what is put goes out, `next` waits for what comes."""

    def __init__(self, api, **opening):
        self.words = queue.Queue()
        if opening:
            self.put(open=opening)
        call, _ = api.stubs["StreamReminders"]
        self.call = call(iter(self.words.get, None), metadata=api.metadata, timeout=60)

    def put(self, **message):
        self.words.put(pb.StreamRemindersRequest(**message))

    def done(self):
        self.words.put(None)

    def next(self):
        try:
            return next(self.call, None)
        except support.grpc.RpcError as error:
            raise Refused("StreamReminders", error) from None


@support.on_all()
class Delivery:
    def setUp(self):
        super().setUp()
        self.make_clinic(time_zone=support.noon_zone())
        self.make_therapist(working_hours=support.weekly(range(1, 8), 0, 24))
        self.course = self.make_course()

    def queue_test(self, course=None):
        return self.api.TestReminder(course=(course or self.course).name, audience=THERAPIST,
                                     channels=[EMAIL], template="test")

    def lease(self, **fields):
        return self.api.LeaseReminders(clinic=self.clinic, **fields)

    def lease_one(self, **fields):
        """What is due is leased at once, but for a moment in which a replica hears of it."""
        found = []

        def some():
            found.extend(self.lease(**fields).reminders)
            return found

        wait_until(some, "a reminder to lease")
        self.assertEqual(1, len(found))
        return found[0]

    def complete(self, leased, outcome, **fields):
        return self.api.CompleteReminders(clinic=self.clinic, completions=[dict(
            reminder=leased.reminder.name, lease_token=leased.lease_token, outcome=outcome, **fields)])

    def policy(self, **fields):
        return self.api.UpdateReminderPolicy(
            clinic=self.clinic, course=self.course.name, policy=fields,
            update_mask=field_mask_pb2.FieldMask(paths=list(fields)))

    def test_sent_once_and_reported(self):
        made = self.queue_test()
        leased = self.lease_one()
        self.assertEqual(made.name, leased.reminder.name)
        self.assertEqual(state("LEASED"), leased.reminder.state)
        self.assertTrue(leased.reminder.test)
        self.assertEqual(self.course.patient, leased.reminder.patient)
        self.assertEqual(0, len(self.lease().reminders), "it is in one gateway's hands")
        self.assertEqual(["APPLIED"], verdicts(self.complete(leased, SENT)))
        self.assertEqual(["REPEATED"], verdicts(self.complete(leased, SENT)))
        self.assertEqual(["LOST"], verdicts(self.complete(leased, RETRY, reason="BUSY")))
        report = lambda outcome: verdicts(self.api.ReportDeliveries(  # noqa: E731
            clinic=self.clinic, reports=[dict(reminder=made.name, outcome=outcome)]))
        self.assertEqual((["APPLIED"], ["REPEATED"]), (report(1), report(1)))
        after = self.api.GetReminder(name=made.name)
        self.assertEqual((state("SENT"), 1, 1), (after.state, after.delivery_outcome, len(after.attempts)))
        self.assertEqual(SENT, after.attempts[0].outcome)
        self.assertTrue(after.HasField("sent_time"))

    def test_a_retried_call_gives_the_same_leases(self):
        self.queue_test()
        request = self.api.request("LeaseReminders", clinic=self.clinic)
        first = []
        wait_until(lambda: first or first.extend(self.api.send("LeaseReminders", request).reminders) or
                   first or setattr(request, "request_id", support.rid()), "a reminder to lease")
        self.assertEqual(first, list(self.api.send("LeaseReminders", request).reminders))
        self.assertEqual(0, len(self.lease().reminders))

    def test_one_of_a_course_at_a_time_in_order(self):
        first, second = self.queue_test(), self.queue_test()
        leased = self.lease_one()
        self.assertEqual(first.name, leased.reminder.name)
        self.complete(leased, SENT)
        self.assertEqual(second.name, self.lease_one().reminder.name)

    def mended(self):
        """How often the auditor found something in the store that the index had not been told of."""
        return support.metric(self.server.admin, 'ipt_reminder_index_mended_total{way="added"}')

    def test_commits_tell_the_index(self):
        self.queue_test()
        self.complete(self.lease_one(), SENT)  # by now the clinic's index is built
        before, count = self.mended(), 20
        for _ in range(count):
            self.queue_test()
        for _ in range(count):
            self.complete(self.lease_one(), SENT)
        # The auditor, who comes each second, may come upon one between its commit and its telling.
        self.assertLess(self.mended() - before, count / 2)

    def test_refused_by_the_gateway(self):
        self.policy(max_attempts=1)
        made = self.queue_test()
        first = self.lease_one()
        answer = self.complete(first, RETRY, reason="PROVIDER_TIMEOUT")
        self.assertEqual((["APPLIED"], state("DEAD")), (verdicts(answer), answer.results[0].state))
        dead = self.api.all("ListReminders", "reminders", parent=self.clinic, states=[state("DEAD")])
        self.assertEqual([(made.name, why("ATTEMPTS_EXHAUSTED"))], [(r.name, r.why_not) for r in dead])
        self.api.ReplayReminder(name=made.name)
        again = self.lease_one()
        self.assertNotEqual(first.idempotency_key, again.idempotency_key)
        self.assertEqual(["SUPERSEDED"], verdicts(self.complete(first, SENT)))
        self.complete(again, DEAD, reason="NO_SUCH_NUMBER")
        held = self.api.GetReminder(name=made.name)
        self.assertEqual((state("DEAD"), why("REJECTED")), (held.state, held.why_not))
        self.assertEqual(["PROVIDER_TIMEOUT", "NO_SUCH_NUMBER"], [a.reason for a in held.attempts])
        dropped = self.api.DropReminder(name=made.name, reason="told by telephone")
        self.assertEqual(why("DROPPED"), dropped.why_not)

    def test_retried_not_before_the_asked_delay(self):
        self.queue_test()
        leased = self.lease_one()
        before = now()
        self.complete(leased, RETRY, reason="BUSY", retry_delay=dict(seconds=600))
        waits = self.api.GetReminder(name=leased.reminder.name)
        self.assertEqual(state("SCHEDULED"), waits.state)
        self.assertGreaterEqual(instant(waits.next_attempt_time), before + 10 * MINUTE)

    def test_a_lease_without_a_word(self):
        self.queue_test()
        first = self.lease_one(lease_duration=dict(seconds=5))
        second = self.lease_one()
        self.assertEqual(first.reminder.name, second.reminder.name)
        self.assertEqual(first.idempotency_key, second.idempotency_key)
        self.assertGreater(second.lease_token, first.lease_token)
        self.assertEqual(["LOST"], verdicts(self.complete(first, SENT)))
        self.assertEqual(["LOST"], verdicts(self.api.ExtendLeases(clinic=self.clinic, leases=[dict(
            reminder=first.reminder.name, lease_token=first.lease_token)])))
        self.assertEqual(["APPLIED"], verdicts(self.complete(second, SENT)))

    def test_a_lease_without_a_word_is_held_where_the_policy_says_so(self):
        self.policy(after_unknown=reminder_pb2.AFTER_UNKNOWN_HOLD)
        self.queue_test()
        leased = self.lease_one(lease_duration=dict(seconds=5))
        read = lambda: self.api.GetReminder(name=leased.reminder.name)  # noqa: E731
        wait_until(lambda: read().state == state("DEAD"), "the lease to end")
        self.assertEqual(why("OUTCOME_UNKNOWN"), read().why_not)
        self.assertEqual(0, len(self.lease().reminders))
        self.assertEqual(["APPLIED"], verdicts(self.complete(leased, SENT)), "late, but the newest word")
        self.assertEqual(state("SENT"), read().state)

    def test_a_kept_lease(self):
        self.queue_test()
        leased = self.lease_one(lease_duration=dict(seconds=60))
        answer = self.api.ExtendLeases(clinic=self.clinic, lease_duration=dict(seconds=300), leases=[dict(
            reminder=leased.reminder.name, lease_token=leased.lease_token)])
        self.assertEqual(["APPLIED"], verdicts(answer))
        self.assertGreater(instant(answer.results[0].lease_expire_time), now() + 4 * MINUTE)

    def test_what_moves_under_its_lease_goes_out_anew(self):
        self.policy(session_rules=[dict(audience=PATIENT, minutes_before=60, channels=[EMAIL], template="soon")])
        start = now().replace(second=0, microsecond=0) + 40 * MINUTE
        session = self.api.BookSession(parent=self.course.name, start_time=ts(start))
        first = self.lease_one()
        self.assertEqual((session.name, start), (
            first.reminder.session, instant(first.reminder.variables.session_start_time)))
        self.api.RescheduleSession(name=session.name, start_time=ts(start + 10 * MINUTE), reason="asked for")
        self.assertEqual(["SUPERSEDED"], verdicts(self.complete(first, SENT)))
        second = self.lease_one()
        self.assertEqual(first.reminder.name, second.reminder.name)
        self.assertNotEqual(first.idempotency_key, second.idempotency_key)
        self.assertEqual(start + 10 * MINUTE, instant(second.reminder.variables.session_start_time))
        self.api.CancelSession(name=session.name, cancelled_by=1, reason="ill")
        self.assertEqual(["SUPERSEDED"], verdicts(self.complete(second, SENT)))
        gone = self.api.GetReminder(name=first.reminder.name)
        self.assertEqual((state("CANCELLED"), why("SESSION_GONE")), (gone.state, gone.why_not))

    def test_who_unsubscribes_is_sent_no_more(self):
        self.policy(session_rules=[dict(audience=PATIENT, minutes_before=60, channels=[EMAIL], template="soon")])
        start = now().replace(second=0, microsecond=0) + 40 * MINUTE
        self.api.BookSession(parent=self.course.name, start_time=ts(start))
        leased = self.lease_one()
        self.complete(leased, SENT)
        answer = self.api.ReportDeliveries(clinic=self.clinic, reports=[dict(
            reminder=leased.reminder.name, outcome=3, channel=EMAIL)])
        self.assertEqual(["APPLIED"], verdicts(answer))
        wishes = self.api.GetContactPreferences(parent=self.clinic, patient=self.course.patient)
        self.assertEqual([EMAIL], list(wishes.opted_out))
        session = self.api.BookSession(parent=self.course.name, start_time=ts(start + 24 * 60 * MINUTE))
        kept = self.api.all("ListReminders", "reminders", parent=self.clinic, course=self.course.name)
        self.assertEqual([(state("SUPPRESSED"), why("OPTED_OUT"))],
                         [(r.state, r.why_not) for r in kept if r.session == session.name])

    def test_paused_and_paced(self):
        self.api.SetSending(clinic=self.clinic, paused=True, reason="a trial")
        self.queue_test()
        self.queue_test(self.make_course("c2"))
        self.assertEqual(0, len(self.lease().reminders))
        self.assertEqual(2, self.api.GetReminderQueue(clinic=self.clinic).due)
        self.api.SetSending(clinic=self.clinic, max_per_minute=1)
        while now().second > 50:  # a cap is a minute's: not across two
            support.time.sleep(1)
        minute = now().minute
        self.lease_one()
        more = len(self.lease().reminders)
        if now().minute == minute:  # it may turn meanwhile on a machine with other work
            self.assertEqual(0, more)

    # --------------------------------------------------------------------------------- the stream

    def test_a_stream_heeds_credits_and_answers_in_order(self):
        stream = Stream(self.api, clinic=self.clinic, credits=1)
        # Due within a moment of each other: either may come first.
        made = {self.queue_test().name, self.queue_test(self.make_course("c2")).name}
        first = stream.next()
        self.assertEqual((1, 0), (len(first.reminders), first.credits))
        self.assertIn(first.reminders[0].reminder.name, made)
        self.assertEqual(1, self.api.GetReminderQueue(clinic=self.clinic).due)
        leased = first.reminders[0]
        word = dict(reminder=leased.reminder.name, lease_token=leased.lease_token)
        stream.put(extensions=dict(leases=[word]))
        self.assertEqual(["APPLIED"], verdicts(stream.next()))
        stream.put(completions=dict(completions=[dict(word, outcome=SENT)]))
        self.assertEqual(["APPLIED"], verdicts(stream.next()))
        stream.put(credits=dict(credits=5))
        second = stream.next()
        self.assertEqual((made - {leased.reminder.name}, 4),
                         ({r.reminder.name for r in second.reminders}, second.credits))
        leased = second.reminders[0]
        stream.put(completions=dict(completions=[dict(
            reminder=leased.reminder.name, lease_token=leased.lease_token, outcome=SENT)]))
        stream.done()
        self.assertEqual(["APPLIED"], verdicts(stream.next()))
        self.assertIsNone(stream.next(), "it ends well")

    def test_streams_refuse_what_is_not_said_so(self):
        for opening, fields in (({}, None), (dict(clinic=self.clinic, credits=5001), ["open.credits"]),
                                (dict(clinic=self.clinic, lease_duration=dict(seconds=1)),
                                 ["open.lease_duration"])):
            with self.subTest(opening), self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", fields):
                stream = Stream(self.api, **opening)
                if not opening:
                    stream.put(credits=dict(credits=1))
                stream.next()
        foreign = dict(reminder="clinics/other/reminders/r", lease_token=1)
        for message, fields in (
                (dict(open=dict(clinic=self.clinic)), ["open"]),
                (dict(credits=dict(credits=0)), ["credits.credits"]),
                (dict(completions=dict(completions=[dict(foreign, outcome=SENT)])), None),
                (dict(extensions=dict(leases=[foreign])), None)):
            with self.subTest(message), self.refused("INVALID_ARGUMENT", "INVALID_FIELDS", fields):
                stream = Stream(self.api, clinic=self.clinic)
                stream.put(**message)
                stream.next()


if __name__ == "__main__":
    unittest.main()
