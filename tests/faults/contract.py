"""The generated Python stubs, for drills and their followers; on any server of a list."""

import importlib
import os
import random
import sys
import time
import uuid


def load(stubs):
    """Makes the stubs of the build folder importable. Debian's grpc serves them."""
    sys.path.insert(0, stubs)
    import google

    google.__path__.append(os.path.join(stubs, "google"))  # google.rpc, google.type


def module(name, area="scheduling"):
    return importlib.import_module(f"ipt.{area}.v1.{name}")


class Client:
    """Calls methods on whichever server answers; writes are sent again with their request_id until
    one does. Refusals other than UNAVAILABLE come back as grpc.RpcError. For one thread.

    It watches nobody's health: gRPC itself answers CANCELLED to a call that reaches a server which has
    just begun to close its connections, and nothing was done."""

    def __init__(self, addresses, area="scheduling"):
        import grpc

        self.grpc, self.area = grpc, area
        # Equal channels would share one connection.
        self.channels = [grpc.insecure_channel(a, options=[
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)])
            for a in addresses]
        # Where there is no other server to turn to. Also, gRPC's sessions come up only while a call
        # waits for them.
        self.wait = len(self.channels) == 1
        # Of the last call: the codes of its tries that failed, and when its last one was sent (ns).
        self.failed, self.sent = [], 0

    def stub(self, service, file):
        return getattr(module(f"{file}_pb2_grpc", self.area), service + "Stub")(
            random.choice(self.channels))

    def call(self, file, method, seconds=60, **fields):
        service = "".join(word.capitalize() for word in file.split("_"))
        requests = module(f"{file}_pb2", self.area)
        request = getattr(requests, method + "Request")(**fields)
        if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = str(uuid.uuid4())
        until = time.monotonic() + seconds
        self.failed = []
        while True:
            self.sent = time.time_ns()
            try:
                return getattr(self.stub(service, file), method)(
                    request, timeout=10, wait_for_ready=self.wait)
            except self.grpc.RpcError as error:
                again = (self.grpc.StatusCode.UNAVAILABLE, self.grpc.StatusCode.DEADLINE_EXCEEDED,
                         self.grpc.StatusCode.ABORTED, self.grpc.StatusCode.RESOURCE_EXHAUSTED,
                         self.grpc.StatusCode.CANCELLED)
                if error.code() not in again or time.monotonic() > until:
                    raise
                self.failed.append(error.code().name)
                time.sleep(0.05)

    def all(self, file, method, items, **fields):
        found, token = [], ""
        while True:
            page = self.call(file, method, page_size=1000, page_token=token, **fields)
            found += getattr(page, items)
            token = page.next_page_token
            if not token:
                return found
