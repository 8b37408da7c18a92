"""Writes unicode_additions.h: what Hugging Face `tokenizers` knows of Unicode and PCRE2 10.42 (Unicode 14) does not.

usage: python3.11 make_unicode_additions.py > unicode_additions.h      (needs: pip install tokenizers==0.23.*)

The regular expressions of `tokenizers` follow Unicode 16, its Digits step Unicode 17. Remake when either library moves.
"""

import unicodedata

from tokenizers import Regex, pre_tokenizers

CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Cf".split()
CHARACTERS = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HEADER = """// What Hugging Face `tokenizers` knows of Unicode and PCRE2 10.42 (Unicode 14) does not. Made by
// make_unicode_additions.py.
#pragma once

#include "text/unicode.h"

namespace srpo::text {

/// Code points whose general category in Unicode 16 is not the one of Unicode 14. In ascending order.
inline constexpr CategoryRange kCategoryAdditions[] = {"""


def kept_by(splitter):
    kept = set()
    for start in range(0, len(CHARACTERS), 4096):
        for piece, _ in splitter.pre_tokenize_str("".join(CHARACTERS[start : start + 4096])):
            kept.add(piece) if len(piece) == 1 else kept.update(piece)
    return kept


def ranges_of(named):
    ranges = []
    for code, name in sorted(named):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == name:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, name])
    return ranges


def main():
    assert unicodedata.unidata_version == "14.0.0", "run with a Python whose Unicode is 14 (3.11)"
    named = []
    for category in CATEGORIES:
        members = kept_by(pre_tokenizers.Split(Regex(f"\\p{{{category}}}"), "removed", invert=True))
        named += [(ord(c), category) for c in members if unicodedata.category(c) != category]
    print(HEADER)
    for first, last, name in ranges_of(named):
        print(f"    {{0x{first:x}, 0x{last:x}, Category::k{name}}},")
    print("};\n")
    numeric = {code for code, name in named if name in ("Nd", "Nl", "No")}
    # Digits keeps runs of what is not numeric together: a character that comes back alone from between two letters is numeric.
    digits = pre_tokenizers.Digits(True)
    later = []
    for character in CHARACTERS:
        known = unicodedata.category(character)[0] == "N" or ord(character) in numeric
        if not known and len(digits.pre_tokenize_str(f"a{character}a")) > 1:
            later.append((ord(character), ""))
    print("/// Code points that are numeric in Unicode 17 only. In ascending order.")
    print("inline constexpr CodePointRange kLaterNumbers[] = {")
    for first, last, _ in ranges_of(later):
        print(f"    {{0x{first:x}, 0x{last:x}}},")
    print("};\n\n}  // namespace srpo::text")


if __name__ == "__main__":
    main()
