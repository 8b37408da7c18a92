"""A traced run leaves one Chrome trace of all ranks that loads, is in order and whose arrows have both ends."""

import collections
import json
import pathlib
import tempfile

from cluster import TINY, check, run


def validate(path):
    events = json.loads(path.read_text())["traceEvents"]
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    last = {}
    slices = collections.Counter()
    spans = collections.Counter()
    arrows = collections.defaultdict(dict)
    for event in events:
        phase, track = event["ph"], (event["pid"], event["tid"])
        if phase == "M":
            continue
        check(event["pid"] in names, f"no name for the rank of {event}")
        check(event["ts"] >= last.get(track, 0), f"{event} is earlier than the one before it on its track")
        last[track] = event["ts"]
        if phase in "BE":
            slices[track] += 1 if phase == "B" else -1
            check(slices[track] >= 0, f"an end without a begin: {event}")
        elif phase in "be":
            key = (event["pid"], event["cat"], event["id"])
            spans[key] += 1 if phase == "b" else -1
            check(spans[key] in (0, 1), f"a span begins or ends twice: {event}")
        elif phase in "sf":
            ends = arrows[(event["cat"], event["id"])]
            check(phase not in ends, f"two ends of one arrow: {event}")
            ends[phase] = event
        else:
            check(phase == "X" and event["dur"] >= 0, f"unknown {event}")
    check(not +slices and not +spans, "something has no end")
    for key, ends in arrows.items():
        check(set(ends) == {"s", "f"}, f"arrow {key} has one end")
        check(ends["s"]["ts"] <= ends["f"]["ts"], f"arrow {key} goes back in time")
    across = sum(ends["s"]["pid"] != ends["f"]["pid"] for ends in arrows.values())
    return names, events, across


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "run"
        run(4, TINY, "--set", f"run.folder={folder}", "--set", "ranks=~", "--set", "run.steps=1", "--set",
            "warm_start.batches=20", "--set", "trace.file=trace.json")
        names, events, across = validate(folder / "trace.json")
        check(len(names) == 4, f"ranks {names}")
        check(across > 100, f"{across} arrows between ranks")
        called = {event["name"] for event in events if event["ph"] == "B"}
        for method in ("GeneratorRank::generate", "VerifierRank::verify", "LearnerRank::train"):
            check(method in called, f"{method} is not in the trace")
        check((folder / "status.json").is_file(), "no status")
        print(f"passed: {len(events)} events, {across} arrows between ranks")


if __name__ == "__main__":
    main()
