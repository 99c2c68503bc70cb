#!/usr/bin/python3
"""The service config for clients: gRPC takes it, it repeats what is to be repeated, gives every call its time, and
cuts no stream."""

import concurrent.futures
import json
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import support  # noqa: E402
from support import grpc  # noqa: E402

TEXT = (ROOT / "deploy/kubernetes/client/service-config.json").read_text(encoding="utf-8")
CONFIG = json.loads(TEXT)
UNARY, STREAM = "/ipt.scheduling.v1.ClinicService/GetClinic", "/ipt.scheduling.v1.EventService/WatchEvents"


class Flaky(grpc.GenericRpcHandler):
    """Fails so often, with this code, before it answers; knows how long callers would wait."""

    def __init__(self, failures, code):
        self.failures, self.code, self.calls, self.waits = failures, code, 0, []

    def service(self, call):
        if call.method == "/grpc.health.v1.Health/Watch":
            return grpc.unary_stream_rpc_method_handler(self.health)
        kind = grpc.unary_unary_rpc_method_handler if call.method == UNARY else grpc.unary_stream_rpc_method_handler
        return kind(self.answer if call.method == UNARY else lambda *args: iter([self.answer(*args)]))

    def answer(self, _, context):
        self.calls += 1
        self.waits.append(context.time_remaining())
        if self.calls <= self.failures:
            context.abort(self.code, "not yet")
        return b""

    @staticmethod
    def health(_, context):
        yield b"\x08\x01"  # SERVING


class ClientConfigTest(unittest.TestCase):
    def call(self, flaky, path=UNARY, config=TEXT):
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), [flaky])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(server.stop, None)
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.service_config", config),
                                                              ("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        if path == UNARY:
            return channel.unary_unary(path)(b"")
        return list(channel.unary_stream(path)(b"", timeout=60))

    def test_what_is_away_for_a_moment_is_not_noticed(self):
        flaky = Flaky(3, grpc.StatusCode.UNAVAILABLE)
        self.call(flaky)
        self.assertEqual(flaky.calls, 4)
        self.assertTrue(all(0 < wait <= 10 for wait in flaky.waits), flaky.waits)

    def test_nothing_else_is_repeated_and_nothing_for_ever(self):
        for failures, code, calls in ((9, grpc.StatusCode.UNAVAILABLE, 4), (9, grpc.StatusCode.ABORTED, 1),
                                      (9, grpc.StatusCode.RESOURCE_EXHAUSTED, 1)):
            flaky = Flaky(failures, code)
            with self.assertRaises(grpc.RpcError) as error:
                self.call(flaky)
            self.assertEqual((error.exception.code(), flaky.calls), (code, calls))

    def test_streams_last_as_long_as_their_clients_say(self):
        flaky = Flaky(1, grpc.StatusCode.UNAVAILABLE)
        self.call(flaky, STREAM)
        self.assertEqual(flaky.calls, 2)
        self.assertTrue(all(wait > 30 for wait in flaky.waits), flaky.waits)

    def test_without_it_nothing_is_repeated(self):
        with self.assertRaises(grpc.RpcError):
            self.call(Flaky(1, grpc.StatusCode.UNAVAILABLE), config="{}")

    def test_every_stream_of_the_contract_is_named(self):
        default, streams = CONFIG["methodConfig"]
        self.assertEqual(default["name"], [{}])
        self.assertNotIn("timeout", streams)
        there = {tuple(path[1:].split("/")) for path, (_, method) in support.methods(support.ALL_SERVICES).items()
                 if any(support.streams(method))}
        self.assertGreater(len(there), 5)
        self.assertEqual({(name["service"], name["method"]) for name in streams["name"]}, there)


if __name__ == "__main__":
    unittest.main()
