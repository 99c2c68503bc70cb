#!/usr/bin/python3
"""A messaging gateway for drills: leases reminders, "sends" them, acknowledges. What it sends is a
line of its log, on the disk before it says a word about it, so that it can be killed at any moment.

  gateway.py STUBS CONFIG

CONFIG is JSON:
  addresses      of the servers, any of which is called
  clinics        whose reminders it takes, each in a thread of its own
  log            the file that it writes to
  how            "calls": LeaseReminders and CompleteReminders; "stream": StreamReminders
  lease_seconds  of its leases
  batch          how many it takes at once
  manner         "": as it should be
                 "never": sends, and never says so
                 "twice": acknowledges everything once more
                 "late": acknowledges when its lease has ended
                 "dies": is killed between sending and acknowledging
  most           leave after so many were sent; 0: never

The log, one line each, instants in microseconds since 1970:
  send REMINDER GENERATION TOKEN SESSION_START DUE EXPIRE LEASE_EXPIRE SENT
  skip REMINDER TOKEN NOW                  not sent: its lease had ended, or its time had passed
  word REMINDER TOKEN OUTCOME VERDICT NOW  what it said, and what it was answered
"""

import json
import os
import queue
import signal
import sys
import threading
import time

import contract


def is_undeliverable(reminder_id):
    """Some addresses are wrong: such reminders are refused for good, by whoever gets them."""
    return sum(reminder_id.encode()) % 50 == 0


def now_us():
    return time.time_ns() // 1000


class Log:
    def __init__(self, path):
        self.file = open(path, "ab", buffering=0)
        self.lock = threading.Lock()

    def write(self, lines):
        with self.lock:
            self.file.write("".join(" ".join(str(v) for v in line) + "\n" for line in lines).encode())
            os.fsync(self.file.fileno())


class Gateway:
    """One clinic's thread."""

    def __init__(self, config, clinic, log):
        self.config, self.clinic, self.log = config, f"clinics/{clinic}", log
        self.client = contract.Client(config["addresses"])
        self.pb = contract.module("delivery_service_pb2")
        self.reminders = contract.module("reminder_pb2")
        self.manner, self.left = config["manner"], config["most"] or None
        self.lease = {"seconds": config["lease_seconds"]}

    def send(self, leased):
        """Sends what may be sent. Returns the words to be said about it."""
        lines, words = [], []
        for each in leased:
            reminder, now = each.reminder, now_us()
            lease_end = reminder.lease_expire_time.ToMicroseconds()
            expire = reminder.expire_time.ToMicroseconds()
            reminder_id = reminder.name.rsplit("/", 1)[1]
            outcome, reason = "SENT", ""
            if now >= min(lease_end, expire):
                lines.append(("skip", reminder.name, each.lease_token, now))
                continue
            if is_undeliverable(reminder_id):
                outcome, reason = "DEAD", "NO_ADDRESS"
            else:
                lines.append(("send", reminder.name, reminder.generation, each.lease_token,
                              reminder.variables.session_start_time.ToMicroseconds(),
                              reminder.due_time.ToMicroseconds(), expire, lease_end, now))
            words.append((lease_end, self.pb.Completion(
                reminder=reminder.name, lease_token=each.lease_token, reason=reason,
                outcome=self.reminders.AttemptOutcome.Value(f"ATTEMPT_OUTCOME_{outcome}"))))
        self.log.write(lines)
        sent = sum(line[0] == "send" for line in lines)
        if self.manner == "dies" and sent:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.left is not None:
            self.left -= sent
        if self.manner == "never":
            return []
        if self.manner == "late" and words:
            time.sleep(max(0.0, (max(end for end, _ in words) - now_us()) / 1e6 + 0.1))
        return [word for _, word in words]

    def heard(self, words, results):
        now = now_us()
        outcome = self.reminders.AttemptOutcome.Name
        verdict = self.pb.LeaseVerdict.Name
        self.log.write([
            ("word", word.reminder, word.lease_token, outcome(word.outcome)[len("ATTEMPT_OUTCOME_"):],
             verdict(result.verdict)[len("LEASE_VERDICT_"):], now) for word, result in zip(words, results)])

    def done(self):
        return self.left is not None and self.left <= 0

    def by_calls(self):
        while not self.done():
            leased = self.client.call("delivery_service", "LeaseReminders", clinic=self.clinic,
                                      max_reminders=self.config["batch"], lease_duration=self.lease)
            words = self.send(leased.reminders)
            for _ in range(2 if self.manner == "twice" else 1):
                if words:
                    self.heard(words, self.client.call("delivery_service", "CompleteReminders",
                                                       clinic=self.clinic, completions=words).results)
            if len(leased.reminders) < self.config["batch"]:
                # A clinic that is told to wait is asked soon all the same: so much for what is news.
                wait = leased.retry_after.ToNanoseconds() / 1e9
                time.sleep(min(max(wait, 0.02), 0.1))

    def by_stream(self):
        unsaid = {}  # words without a verdict, by token and reminder; said again on the next stream
        while not self.done():
            try:
                self.one_stream(unsaid)
            except self.client.grpc.RpcError as error:
                code = self.client.grpc.StatusCode
                if error.code() not in (code.UNAVAILABLE, code.CANCELLED, code.RESOURCE_EXHAUSTED,
                                        code.ABORTED, code.DEADLINE_EXCEEDED):
                    raise
            time.sleep(0.05)

    def one_stream(self, unsaid):
        message = self.pb.StreamRemindersRequest
        outgoing = queue.SimpleQueue()
        outgoing.put(message(open={"clinic": self.clinic, "credits": self.config["batch"],
                                   "lease_duration": self.lease}))
        said = []  # in the order in which their verdicts will come

        def say(words):
            for at in range(0, len(words), 500):
                part = words[at:at + 500]
                said.extend(part)
                outgoing.put(message(completions={"completions": part}))

        stub = self.client.stub("DeliveryService", "delivery_service")
        stream = stub.StreamReminders(iter(outgoing.get, None), wait_for_ready=self.client.wait)
        try:
            say(list(unsaid.values()))
            for response in stream:
                if response.results:
                    words, said[:] = said[:len(response.results)], said[len(response.results):]
                    self.heard(words, response.results)
                    for word in words:
                        unsaid.pop((word.lease_token, word.reminder), None)
                if response.reminders:
                    words = self.send(response.reminders)
                    unsaid.update({(word.lease_token, word.reminder): word for word in words})
                    say(words)
                    outgoing.put(message(credits={"credits": len(response.reminders)}))
        finally:
            outgoing.put(None)
            stream.cancel()

    def run(self):
        try:
            (self.by_stream if self.config["how"] == "stream" else self.by_calls)()
        except Exception as error:  # the drill sees the exit status and reads what it says
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)


def main():
    contract.load(sys.argv[1])
    config = json.loads(sys.argv[2])
    log = Log(config["log"])
    threads = [threading.Thread(target=Gateway(config, clinic, log).run) for clinic in config["clinics"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
