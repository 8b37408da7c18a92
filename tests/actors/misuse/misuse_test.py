#!/usr/bin/env python3
"""Misuse of actors does not compile, and says why: misuse_test.py COMPILER SOURCE_DIR"""

import pathlib
import re
import subprocess
import sys


def compile_only(compiler, source_dir, file):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-ftemplate-backtrace-limit=0",
               "-fdiagnostics-color=never", "-I", str(source_dir / "src"), str(file)]
    return subprocess.run(command, capture_output=True, text=True)


def sentences_by_line(messages, file):
    """The errors of each line of the file, or of what that line instantiates."""
    found = {}
    place = None
    for line in messages.splitlines():
        required = re.match(rf".*{file}:(\d+):\d+:\s+required from here", line)
        if required:
            place = int(required.group(1))
        error = re.search(r"error: (.*)", line)
        if not error:
            continue
        here = re.match(rf".*{file}:(\d+):\d+: error", line)
        found.setdefault(int(here.group(1)) if here else place, []).append(error.group(1))
    return found


def main():
    compiler, source_dir = sys.argv[1], pathlib.Path(sys.argv[2])
    folder = source_dir / "tests" / "actors" / "misuse"
    correct = compile_only(compiler, source_dir, folder / "correct.cpp")
    if correct.returncode != 0:
        sys.exit(f"correct.cpp does not compile:\n{correct.stderr[:4000]}")
    misuse = folder / "misuse.cpp"
    result = compile_only(compiler, source_dir, misuse)
    if result.returncode == 0:
        sys.exit("misuse.cpp compiles")
    found = sentences_by_line(result.stderr, misuse.name)
    failures = 0
    expected = re.compile(r"// error: (.*)$")
    for number, line in enumerate(misuse.read_text().splitlines(), 1):
        wanted = expected.search(line)
        if not wanted:
            continue
        errors = found.get(number, [])
        if not any(wanted.group(1) in error for error in errors):
            failures += 1
            print(f"misuse.cpp:{number}: {line.split('//')[0].strip()}\n"
                  f"  expected: {wanted.group(1)}\n  found: {errors[:3]}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
