#!/usr/bin/python3
"""The service config for clients: gRPC takes it, it repeats what is to be repeated, gives every call its time, and
cuts no stream."""

import concurrent.futures
import json
import pathlib
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support import grpc  # noqa: E402

TEXT = (ROOT / "docs/client-service-config.json").read_text(encoding="utf-8")
CONFIG = json.loads(TEXT)
UNARY, STREAM = "/ipt.scheduling.v1.ClinicService/GetClinic", "/ipt.scheduling.v1.EventService/WatchEvents"


class Flaky(grpc.GenericRpcHandler):
    """Fails so often, with this code, before it answers; or does not answer for as long as anybody asks."""

    def __init__(self, failures=0, code=None, hangs=False):
        self.failures, self.code, self.calls, self.hangs = failures, code, 0, hangs

    def service(self, call):
        if call.method == "/grpc.health.v1.Health/Watch":
            return grpc.unary_stream_rpc_method_handler(self.health)
        if call.method == UNARY:
            return grpc.unary_unary_rpc_method_handler(self.answer)
        return grpc.unary_stream_rpc_method_handler(lambda *args: iter([self.answer(*args)]))

    def answer(self, _, context):
        self.calls += 1
        if self.hangs:
            over = threading.Event()
            context.add_callback(over.set)
            over.wait(60)
        if self.calls <= self.failures:
            context.abort(self.code, "not yet")
        return b""

    @staticmethod
    def health(_, context):
        yield b"\x08\x01"  # SERVING


class ClientConfigTest(unittest.TestCase):
    def call(self, flaky, path=UNARY, config=TEXT, timeout=None):
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), [flaky])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(server.stop, None)
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.service_config", config),
                                                              ("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        if path == UNARY:
            return channel.unary_unary(path)(b"", timeout=timeout)
        return list(channel.unary_stream(path)(b"", timeout=timeout))

    def refused(self, *args, **words):
        with self.assertRaises(grpc.RpcError) as error:
            self.call(*args, **words)
        return error.exception

    def test_what_is_away_for_a_moment_is_not_noticed(self):
        flaky = Flaky(3, grpc.StatusCode.UNAVAILABLE)
        self.call(flaky)
        self.assertEqual(flaky.calls, 4)

    def test_nothing_else_is_repeated_and_nothing_for_ever(self):
        for code, calls in ((grpc.StatusCode.UNAVAILABLE, 4), (grpc.StatusCode.ABORTED, 1),
                            (grpc.StatusCode.RESOURCE_EXHAUSTED, 1)):
            flaky = Flaky(9, code)
            self.assertEqual((self.refused(flaky).code(), flaky.calls), (code, calls))
        # Who follows a stream opens the next with a cursor of its own.
        flaky = Flaky(1, grpc.StatusCode.UNAVAILABLE)
        self.assertEqual((self.refused(flaky, STREAM).code(), flaky.calls), (grpc.StatusCode.UNAVAILABLE, 1))

    def test_calls_end_and_streams_last_as_long_as_their_clients_say(self):
        self.assertEqual(CONFIG["methodConfig"][0]["timeout"], "10s")
        quicker = TEXT.replace('"10s"', '"0.3s"')
        began = time.monotonic()
        self.assertEqual(self.refused(Flaky(hangs=True), config=quicker).code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertLess(time.monotonic() - began, 10)
        began = time.monotonic()
        self.refused(Flaky(hangs=True), STREAM, quicker, timeout=1)
        self.assertGreater(time.monotonic() - began, 0.9)

    def test_without_it_nothing_is_repeated(self):
        with self.assertRaises(grpc.RpcError):
            self.call(Flaky(1, grpc.StatusCode.UNAVAILABLE), config="{}")


if __name__ == "__main__":
    unittest.main()
