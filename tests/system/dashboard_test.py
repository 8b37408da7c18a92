"""A small job with its page on: endpoints while it runs, events, slow clients, drain from the page, what it leaves."""

import json
import pathlib
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from cluster import SOURCE, TINY, analyze, check, run, start, trees

sys.path.append(str(SOURCE / "tests" / "page"))
import chromium  # noqa: E402

PAGE = ("--set", "dashboard.port=0", "--set", "dashboard.tensorboard=true")
LONGER = ("--set", "run.steps=600", "--set", "checkpoint.every_steps=40", "--set", "data.validate_every=40")


def get(url, path, **headers):
    with urllib.request.urlopen(urllib.request.Request(url + path, headers=headers), timeout=10) as answer:
        return answer.read().decode()


def wait_for(what, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    sys.exit("FAILED: nothing after %d s" % seconds)


def page_of(folder):
    file = folder / "dashboard.json"
    return json.loads(file.read_text()) if file.is_file() else None


def listen(url, seconds):
    """States that come as events."""
    states = []
    with urllib.request.urlopen(url + "api/v1/events", timeout=20) as events:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            line = events.readline().decode()
            if not line:
                break
            if line.startswith("data: "):
                states.append(json.loads(line[6:]))
    return states


def hold_idle(url, count):
    """Connections that ask for events and never read, or say nothing."""
    port = int(re.search(r":(\d+)/", url).group(1))
    held = []
    for i in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        if i % 2:
            one.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        held.append(one)
    return held


def drain(place):
    """By a click in a browser that follows the run; by a request where there is no browser."""
    if chromium.find() is None:
        request = urllib.request.Request(place["url"] + "api/v1/drain", method="POST", headers={"X-SRPO-Action": place["action_key"]})
        check(urllib.request.urlopen(request, timeout=10).status == 202, "the drain was refused")
        return "drained by a request: there is no Chromium"
    with chromium.Browser() as browser:
        browser.open(place["url"])
        steps = "document.getElementById('live-rates').textContent"
        browser.wait_for(f"{steps}.includes('trees accepted')")
        first = browser.run(steps)
        browser.wait_for(f"{steps} !== {json.dumps(first)}")
        browser.run("window.confirm = () => true")
        browser.click("#drain")
        browser.wait_for("document.getElementById('drain').disabled")
        complaints = [each for each in browser.complaints() if "ERR_" not in each]  # the run may have gone already
        check(not complaints, "\n".join(complaints))
    return "drained by a click"


def check_tensorboard(folder):
    """Whole records with the scalars of metrics.jsonl; by TensorBoard's own loader where it is installed."""
    files = list((folder / "tensorboard").iterdir())
    data = files[0].read_bytes()
    at = records = 0
    while at < len(data):
        at += 16 + struct.unpack("<Q", data[at:at + 8])[0]
        records += 1
    lines = len((folder / "metrics.jsonl").read_text().splitlines())
    check(len(files) == 1 and at == len(data) and records == lines + 1, f"{records} records for {lines} lines in {files}")
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        return "TensorBoard's loader is not installed"
    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    told = {event.step: event.value for event in accumulator.Scalars("train/loss")}
    for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()):
        if "train/loss" in line:
            check(abs(told[line["step"]] - line["train/loss"]) <= 1e-6 * max(1, abs(line["train/loss"])), f"step {line['step']}")
    return f"TensorBoard's loader reads {len(told)} losses"


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "shown"
        job = start(5, TINY, *LONGER, *PAGE, "--set", "ranks.generator=1", "--set", "ranks.learner=1", "--set", f"run.folder={folder}")
        reader = threading.Thread(target=lambda: setattr(job, "said", job.stdout.read()))
        reader.start()
        place = wait_for(lambda: page_of(folder))
        url = place["url"]
        states = listen(url, 4)
        check(len(states) >= 2 and states[-1]["state"] == "running", f"events: {states}")
        check([rank["role"] for rank in states[-1]["ranks"]][:2] == ["scheduler", "generator"], f"ranks {states[-1]['ranks']}")
        held = hold_idle(url, 300)
        wait_for(lambda: json.loads(get(url, "api/v1/status"))["step"] >= 3)
        check("<!doctype html>" in get(url, ""), "no page")
        check("srpo_up 1" in get(url, "metrics"), "no metrics")
        check(get(url, "why").strip(), "nobody says what the run waits for")
        check("page of this run" in get(url, "api/v1/logs?rank=0"), "the scheduler's log has no lines")
        document = json.loads(get(url, "api/v1/document"))
        check(document["totals"]["trees"] > 16 and document["metrics"], "the document is empty")
        check(document["timeline"]["kind"] == "recorded" and len(document["timeline"]["rows"]) == 4, "no timeline")
        for path, headers in (("api/v1/drain", {}), ("api/v1/drain", {"X-SRPO-Action": "x"})):
            try:
                urllib.request.urlopen(urllib.request.Request(url + path, method="POST", headers=headers), timeout=10)
                check(False, "a drain without the key was taken")
            except urllib.error.HTTPError as error:
                check(error.code == 403, f"status {error.code}")
        how = drain(place)
        job.wait(timeout=60)
        reader.join()
        check(job.returncode == 75, f"exit code {job.returncode} after a drain:\n{job.said}")
        for one in held:
            one.close()
        status = json.loads((folder / "status.json").read_text())
        check(status["reason"] == "drained from the page", f"status {status}")

        # It goes on, also without a page: what is shown does not belong to what a run is.
        short = ("--set", "ranks.generator=1", "--set", "ranks.learner=1", "--set", "run.steps=4")
        whole, plain = pathlib.Path(scratch) / "whole", pathlib.Path(scratch) / "plain"
        run(5, TINY, *short, *PAGE, "--set", f"run.folder={whole}")
        run(5, TINY, *short, "--set", f"run.folder={plain}", "--set", "dashboard.activity=false")
        check(trees(whole) == trees(plain), "the page changes the trees")
        check(not (plain / "activity.jsonl").exists(), "an activity file that nobody wants")
        loader = check_tensorboard(whole)
        analyze(whole, "dashboard", "--out", whole / "page.html")
        page = (whole / "page.html").read_text()
        check('"kind":"recorded"' in page and "http://" not in re.sub(r"http://www.w3.org/[0-9a-z/]*", "", page), "the page of the run")
    print(f"passed: {len(states)} events; {how}; {loader}")


if __name__ == "__main__":
    main()
