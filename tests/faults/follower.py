#!/usr/bin/python3
"""Follows a clinic's events and keeps what they make in one file, with the cursor, so that it can be
killed at any moment.

  follower.py STUBS ADDRESSES CLINIC STATE

It begins with the oldest event, and goes on from the cursor of the file where there is one. The file
is JSON: the cursor, the number of events applied, and each resource by name as base64."""

import base64
import json
import os
import sys
import time

import contract

# What an event leaves: its payload under its subject, or nothing.
GONE = ("holiday_deleted", "time_off_deleted", "extra_hours_deleted")
# Of these only the state of the forecast is news, which CourseChanged or a read tells, too.
IGNORED = ("forecast_changed",)


def write(path, state):
    """Either the old file or the new one is there."""
    with open(path + ".new", "w", encoding="utf-8") as out:
        json.dump(state, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(path + ".new", path)


def read(path):
    try:
        with open(path, encoding="utf-8") as text:
            return json.load(text)
    except FileNotFoundError:
        return {"cursor": "", "events": 0, "resources": {}}


def apply(state, response):
    for event in response.events:
        field = event.payload.WhichOneof("event")
        if field in GONE:
            state["resources"].pop(event.subject, None)
        elif field not in IGNORED:
            message = getattr(event.payload, field)
            state["resources"][event.subject] = base64.b64encode(message.SerializeToString()).decode()
    state["events"] += len(response.events)
    state["cursor"] = response.cursor


def follow(addresses, clinic, path):
    import grpc

    requests = contract.module("event_service_pb2")
    client = contract.Client(addresses)
    state = read(path)
    while True:
        request = requests.WatchEventsRequest(parent=f"clinics/{clinic}")
        if state["cursor"]:
            request.cursor = state["cursor"]
        else:
            request.oldest = True
        try:
            for response in client.stub("EventService", "event_service").WatchEvents(request):
                apply(state, response)
                write(path, state)
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                sys.exit(f"{error.code().name}: {error.details()}")
        time.sleep(0.02)


if __name__ == "__main__":
    contract.load(sys.argv[1])
    follow(sys.argv[2].split(","), sys.argv[3], sys.argv[4])
