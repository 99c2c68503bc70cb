"""Requests that no sound client would send, and what must become of them: refused with their bad fields
named, and nothing written."""

import datetime
import math
import os
import random
import socket
import struct
import time

import support  # first: it makes the generated stubs importable
from google.protobuf import descriptor
from ipt.common.v1 import options_pb2
from support import REPEATED, at, rid, ts

FIELDS = ("INVALID_ARGUMENT", "INVALID_FIELDS")
TODAY = support.today()
DAY = datetime.timedelta(days=1)


class Refusals:
    """To be mixed into tests that have a `snapshot` of all that could have been written."""

    def check(self, cases):
        """cases: (method, request's fields, code, reason, bad fields or None)."""
        before = self.snapshot()
        for method, fields, code, reason, bad in cases:
            with self.subTest(f"{method} {bad or reason} {str(fields)[:120]}"):
                with self.refused(code, reason, bad) as refusal:
                    self.api.send(method, self.api.request(method, **fields))
                self.fields_exist(method, refusal.error)
        self.assertEqual(before, self.snapshot(), "something was written")

    def fields_exist(self, method, error):
        """What an error calls bad are fields of the request, by their paths."""
        request = self.api.stubs[method][1].input_type
        if error.reason != "MALFORMED_REQUEST":
            for field in error.fields:
                self.assertTrue(support.names_field(request, field), f"no field {field}: {error}")


def send_unary(port, path, message, headers):
    """One gRPC call in plain HTTP/2, to send what a client library would not. Waits for its end."""
    def frame(kind, flags, stream, payload):
        return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload

    def literal(text):
        assert len(text) < 127
        return bytes([len(text)]) + text.encode()

    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
              ("te", "trailers"), ("content-type", "application/grpc"), *headers]
    block = b"".join(b"\x00" + literal(name) + literal(value) for name, value in fields)
    body = b"\x00" + struct.pack("!I", len(message)) + message
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") +
                     frame(1, 4, 1, block) + frame(0, 1, 1, body))
        stream = wire.makefile("rb")
        while True:
            head = stream.read(9)
            if len(head) < 9:
                raise ConnectionError("closed before the call's end")
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            stream.read(length)
            own = int.from_bytes(head[5:], "big") == 1
            if own and (kind == 3 or kind in (0, 1) and flags & 1):  # RST_STREAM, or END_STREAM
                return
            if kind == 4 and not flags & 1:
                wire.sendall(frame(4, 1, 0, b""))


STRINGS = ["", "a", "-", "*", "x" * 300, "é", "\x00", "'; DROP TABLE courses; --", "%s%n", "clinics/",
           "Europe/London", "ipt-uk-16", "\u202e", "a\nb"]
NUMBERS = [0, 1, -1, 2, 7, 16, 50, 100, 366, 2**31 - 1, -2**31]
DOUBLES = [0.5, 27, 1e308, -1e308, math.nan, math.inf, -math.inf]


class Fuzz:
    """Requests at random, mostly with what could be right, sent by a test. IPT_E2E_SEED draws them again."""

    def __init__(self, test, names, words, away=()):
        """names: known resources by pattern; words: likely values by the field's name; away: paths of the
        methods that cannot do without a service that this one has not got."""
        self.test, self.names, self.words, self.away = test, names, words, away
        self.seed = int(os.environ.get("IPT_E2E_SEED", time.time_ns() % 10**9))
        self.draw = random.Random(self.seed)
        self.choice = self.draw.choice
        self.answered, self.sent = {}, 0

    def filled(self, message_class):
        message = message_class()
        self._fill(message)
        return message

    def send(self, path, request):
        """Sends it, sometimes with its bytes changed; the code of the answer."""
        self.sent += 1
        data = request.SerializeToString()
        if self.draw.random() < 0.25:
            data = self._mutate(data)
        code, what = "OK", f"IPT_E2E_SEED={self.seed}, call {self.sent}"
        try:
            self.test.api.raw(path, data)
        except support.Refused as error:
            code = error.code
            if (code, error.reason) == ("UNAVAILABLE", "PEER_UNAVAILABLE") and path in self.away:
                return code
            self.test.assertNotIn(code, ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "UNAVAILABLE",
                                         "DEADLINE_EXCEEDED"), f"{what}: {error}\n{request}")
            self.test.assertTrue(error.reason, f"{what}: {error}\n{request}")
            with self.test.subTest(what, path=path):
                self.test.fields_exist(path, error)
        self.answered[code] = self.answered.get(code, 0) + 1
        return code

    def check(self):
        """So that it did not all end at the first check, or at none."""
        self.test.assertGreater(self.answered["OK"], 100, self.answered)
        self.test.assertGreater(self.answered["INVALID_ARGUMENT"], 100, self.answered)
        self.test.assertTrue(self.test.server.alive())

    def vary(self, message):
        """Changes a right message in one place, at any depth."""
        while True:
            below = [value for field, values in message.ListFields() if field.message_type
                     for value in (values if field.label == REPEATED else [values])]
            if not below or self.draw.random() < 0.25:
                break
            message = self.draw.choice(below)
        field = self.draw.choice(message.DESCRIPTOR.fields)
        message.ClearField(field.name)
        if self.draw.random() < 0.7:
            self._fill_field(message, field)

    def _fill(self, message):
        for field in message.DESCRIPTOR.fields:
            needed = field.GetOptions().Extensions[options_pb2.rules].required or field.name == "request_id"
            if self.draw.random() >= (0.03 if needed else 0.5):
                self._fill_field(message, field)

    def _fill_field(self, message, field):
        if field.message_type:
            many = field.label == REPEATED
            for _ in range(self.draw.choice([1, 1, 2, 5]) if many else 1):
                child = getattr(message, field.name).add() if many else getattr(message, field.name)
                child.SetInParent()
                kind = field.message_type.full_name
                if kind == "google.protobuf.Timestamp" and self.draw.random() < 0.9:
                    day = support.next_weekday(0, TODAY) + self.draw.randrange(-9, 60) * DAY
                    child.CopyFrom(ts(at(day, self.draw.randrange(24))))
                elif kind == "google.type.Date" and self.draw.random() < 0.9:
                    day = TODAY + self.draw.randrange(-40, 200) * DAY
                    child.year, child.month, child.day = day.year, day.month, day.day
                else:
                    self._fill(child)
        elif field.label == REPEATED:
            getattr(message, field.name).extend(
                self._value(field) for _ in range(self.draw.choice([0, 1, 2, 120])))
        else:
            setattr(message, field.name, self._value(field))

    def _value(self, field):
        draw, fields = self.draw, descriptor.FieldDescriptor
        known = self.names.get(field.GetOptions().Extensions[options_pb2.rules].resource)
        if field.name == "request_id":
            return rid() if draw.random() < 0.98 else draw.choice(STRINGS)
        if known and draw.random() < 0.95:
            return draw.choice(known)
        if field.name in self.words and draw.random() < 0.8:
            return draw.choice(self.words[field.name])
        if field.type == fields.TYPE_STRING:
            return draw.choice(STRINGS)
        if field.type == fields.TYPE_BYTES:
            return draw.randbytes(draw.randrange(300))
        if field.type == fields.TYPE_BOOL:
            return draw.random() < 0.6
        if field.type == fields.TYPE_ENUM:
            return draw.choice([*range(6), -1, 99])
        if field.type == fields.TYPE_INT64:
            return draw.choice([*NUMBERS, 2**63 - 1, -2**63]) if draw.random() < 0.3 else 0
        if field.type == fields.TYPE_DOUBLE:
            return draw.choice([*NUMBERS, *DOUBLES])
        return draw.choice(NUMBERS)

    def _mutate(self, data):
        draw, data = self.draw, bytearray(data)
        for _ in range(draw.choice([1, 1, 2, 8])):
            place = draw.randrange(len(data) + 1)
            kind = draw.randrange(3)
            if kind == 0 and place < len(data):
                data[place] = draw.randrange(256)
            elif kind == 1:
                data[place:place] = draw.randbytes(draw.randrange(1, 9))
            else:
                del data[place:place + draw.randrange(1, 9)]
        return bytes(data)
