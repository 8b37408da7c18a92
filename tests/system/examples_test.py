"""The example programs of the actor runtime do what they say, and are short."""

import collections
import os
import re
import signal
import subprocess

from cluster import BIN, ENVIRONMENT, SOURCE, check

EXAMPLES = BIN / "examples"


def mpirun(ranks, program, *arguments):
    return subprocess.run(["mpirun", "--oversubscribe", "-np", str(ranks), EXAMPLES / program, *map(str, arguments)],
                          env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, timeout=120, check=True).stdout


def parameter_server():
    out = mpirun(4, "parameter_server", 200)
    weights = [float(word) for word in re.search(r"weights (.*)", out).group(1).split()]
    check(weights == [1.5, -2.0, 0.5, 3.0], f"learned weights {weights}")
    check(out.count("error") == 2, "two workers report")


def word_count():
    files = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", SOURCE / "docs" / "actors.md"]
    out = mpirun(3, "word_count", 5, *files)
    counted = {word: int(count) for count, word in (line.split(" ", 1) for line in out.splitlines())}
    words = collections.Counter(word for file in files for word in re.split(r"[ \n\t\r\v\f]+", file.read_text()) if word)
    check(counted == {word: count for word, count in words.items() if count >= 5}, "counts equal Python's")


def worker_pool():
    """One worker is killed with -9 while it counts; a spare takes its place."""
    pieces = 200
    pool = subprocess.Popen([BIN / "srpo_run", "-np", "4", EXAMPLES / "worker_pool", "--spares", "1", str(pieces)],
                            env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    try:
        workers = [int(pool.stdout.readline().split()[1]) for _ in range(2)]
        os.kill(workers[0], signal.SIGKILL)
        out = pool.communicate(timeout=120)[0]
    finally:
        pool.kill()
    check(pool.returncode == 0, f"worker_pool: exit code {pool.returncode}")
    last = pieces * 20_000
    sieve = bytearray([1]) * last
    for n in range(2, int(last**0.5) + 1):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, last, n)))
    check(f"{sum(sieve) - 2} primes below {last}" in out, f"worker_pool said:\n{out}")


def sizes():
    for source in (SOURCE / "examples").glob("*.cpp"):
        lines = len(source.read_text().splitlines())
        check(lines < 80, f"{source.name} has {lines} lines (fewer than 80 are promised)")


parameter_server()
word_count()
worker_pool()
sizes()
