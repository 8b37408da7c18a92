"""srpo_cpi as a user calls it: every experiment, its formats and pictures, and what it refuses."""

import csv
import io
import json
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree

from cluster import BIN, check


def call(*arguments, expect=0):
    done = subprocess.run([BIN / "srpo_cpi", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120, check=False)
    check(done.returncode == expect, f"{arguments}: exit code {done.returncode}, expected {expect}:\n{done.stderr}")
    return done


def rows(text, name):
    return json.loads(text)[name]


def main():
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        for experiment, options in (("theorem", ["--processes", 1000, "--sampled", 3]), ("separation", ["--trials", 60]),
                                    ("controls", ["--trials", 60]), ("horizon", ["--trials", 60]),
                                    ("localization", ["--trials", 60]), ("chain", []), ("iterations", [])):
            picture = scratch / f"{experiment}.svg"
            text = call(experiment, *options, "--svg", picture).stdout
            check(text == call(experiment, *options).stdout, f"{experiment}: the same seed gave other numbers")
            root = xml.etree.ElementTree.parse(picture).getroot()
            check(len(root.findall("{http://www.w3.org/2000/svg}polyline")) >= 2, f"{experiment}: no lines in the picture")
        checked = json.loads(call("theorem", "--processes", 300, "--sampled", 2, "--format", "json").stdout)
        inequalities = next(iter(checked.values()))
        check(len(inequalities) == 8 and all(row["violated"] == 0 for row in inequalities), f"theorem: {inequalities}")
        table = scratch / "chain.csv"
        call("chain", "--format", "csv", "--out", table)
        lines = list(csv.DictReader(io.StringIO(table.read_text())))
        check(len(lines) == 36 and lines[0]["reset"] == "fresh", f"chain as CSV: {lines[:1]}")
        call("theorem", "--processes", 0, expect=64)
        call("chain", "--format", "xml", expect=64)
        call(expect=64)
        check("credit-aware" in call("--help").stdout, "no help")
    print("ok")


if __name__ == "__main__":
    main()
