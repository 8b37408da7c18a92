"""scripts/ask_server against a small server: order, retries, resumption, refusals."""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "ask_server"


def check(condition, sentence):
    if not condition:
        sys.exit(f"failed: {sentence}")


class Server(http.server.BaseHTTPRequestHandler):
    failures = 0
    requests = []
    lock = threading.Lock()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with Server.lock:
            Server.requests.append((self.path, body))
            fails = Server.failures > 0
            Server.failures -= fails
        if fails:
            return self.answer(503, {"error": "busy"})
        if body.get("prompt") == "bad":
            return self.answer(400, {"error": "no such thing"})
        if self.path.endswith("/chat/completions"):
            choices = [{"index": i, "message": {"content": f"chat {i}"}, "finish_reason": "stop"} for i in range(body["n"])]
        else:
            choices = [{"index": i, "text": f"{body['prompt']} {i}", "finish_reason": "stop"} for i in range(body["n"])]
        self.answer(200, {"choices": choices[::-1]})

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def ask(port, lines, *options):
    text = "".join(json.dumps(line) + "\n" if isinstance(line, dict) else line for line in lines)
    return subprocess.run([sys.executable, SCRIPT, "--url", f"http://127.0.0.1:{port}/v1", "--model", "m", "--pause", "0.01",
                           *options], input=text, text=True, capture_output=True, timeout=60)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    lines = [{"prompt": f"p{i}"} for i in range(20)] + [{"ids": [1, 2]}, {"messages": [{"role": "user", "content": "hi"}]}]

    Server.failures = 3
    result = ask(port, lines, "--n", "2")
    texts = [json.loads(line)["text"] for line in result.stdout.splitlines()]
    expected = [f"p{i} {j}" for i in range(20) for j in range(2)] + ["[1, 2] 0", "[1, 2] 1", "chat 0", "chat 1"]
    check(result.returncode == 0 and texts == expected, f"answers in order: {result.stderr} {texts}")

    with tempfile.TemporaryDirectory() as scratch:
        half = pathlib.Path(scratch) / "half.jsonl"
        half.write_text("".join(result.stdout.splitlines(True)[:7]) + '{"text": "to')
        Server.requests.clear()
        again = ask(port, lines, "--n", "2", "--resume", str(half))
        check(again.stdout == result.stdout, "a resumed start gives the same answers")
        check(len(Server.requests) == len(lines) - 3, f"only what is missing is asked: {len(Server.requests)}")

    refused = ask(port, [{"prompt": "p"}, {"prompt": "bad"}], "--jobs", "1")
    check(refused.returncode == 75 and "400" in refused.stderr and "1 of 2 lines" in refused.stderr, refused.stderr)
    check(refused.stdout.count("\n") == 1, "what was answered is printed")
    Server.failures = 99
    check("failed 2 times" in ask(port, [{"prompt": "p"}], "--tries", "2").stderr, "gives up")
    Server.failures = 0
    for bad in ("{\n", "[]\n", '{"text": 1}\n'):
        result = ask(port, [bad])
        check(result.returncode == 64 and "stdin:1:" in result.stderr, f"refuses {bad!r}: {result.stderr}")
    print("passed")


if __name__ == "__main__":
    main()
