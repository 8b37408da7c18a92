"""Judges answers with a unit: 2500 m is as right as 2.5 km. For problems of kind `command`.

Reads one JSON object {"id", "question", "reference", "response"} from standard input and writes
{"verdict": "correct" | "wrong" | "unparsable", "reward": 0..1, "answer": ...} to standard output.
"""
import json
import re
import sys
from fractions import Fraction

# Unit: what it measures, and how many of the base unit it is.
UNITS = {
    "mm": ("length", "1/1000"), "cm": ("length", "1/100"), "m": ("length", "1"), "km": ("length", "1000"),
    "in": ("length", "254/10000"), "ft": ("length", "3048/10000"), "mi": ("length", "1609344/1000"),
    "g": ("mass", "1/1000"), "kg": ("mass", "1"), "lb": ("mass", "45359237/100000000"),
    "s": ("time", "1"), "min": ("time", "60"), "h": ("time", "3600"),
}


def quantity(text):
    """('length', Fraction) of '2.5 km', or None."""
    match = re.fullmatch(r"\s*(-?\d{1,30}(?:\.\d{1,30})?)\s*([a-z]{1,3})\s*", text)
    if not match or match[2] not in UNITS:
        return None
    kind, factor = UNITS[match[2]]
    return kind, Fraction(match[1]) * Fraction(factor)


def judge(problem):
    boxes = re.findall(r"\\boxed\{([^{}]*)\}", problem["response"])
    answer = quantity(boxes[-1]) if boxes else None
    if answer is None:
        return {"verdict": "unparsable"}
    right = answer == quantity(problem["reference"])
    return {"verdict": "correct" if right else "wrong", "answer": boxes[-1]}


print(json.dumps(judge(json.loads(sys.stdin.readline()))))
