"""The example programs of the actor runtime do what they say, and are short."""

import collections
import re
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


def sizes():
    for source in (SOURCE / "examples").glob("*.cpp"):
        lines = len(source.read_text().splitlines())
        check(lines < 80, f"{source.name} has {lines} lines (fewer than 80 are promised)")


parameter_server()
word_count()
sizes()
