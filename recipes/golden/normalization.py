"""Writes src/text/newer_marks.inc: the characters that utf8proc decomposes or orders and Hugging Face's normalizer leaves alone.

The reference normalises with tables of Unicode 9, utf8proc 2.8 with those of Unicode 15. Everything that differs is
measured here, character by character, and must be a plain "leaves alone". Run with build/venv/bin/python on Debian 12.
"""

import ctypes
import os
import sys

from tokenizers import normalizers

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "src", "text", "newer_marks.inc")
NFD, NFKD = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
BELOW, LAST = "\u0334", "\u0345"  # the lowest and the highest combining class, 1 and 240

library = ctypes.CDLL("libutf8proc.so.2")
library.utf8proc_get_property.restype = ctypes.POINTER(ctypes.c_int16 * 2)
for form in ("NFD", "NFKD"):
    getattr(library, "utf8proc_" + form).restype = ctypes.c_char_p
    getattr(library, "utf8proc_" + form).argtypes = [ctypes.c_char_p]


def utf8proc(form, text):
    return getattr(library, "utf8proc_" + form)(text.encode()).decode()


def combining_class(character):
    return library.utf8proc_get_property(ord(character)).contents[1]


def newer(character):
    same = utf8proc("NFD", character) == NFD(character) and utf8proc("NFKD", character) == NFKD(character)
    if combining_class(character):
        around = [LAST + character, character + BELOW]
        same = same and all(utf8proc("NFD", text) == NFD(text) for text in around)
        if not same and any(NFD(text) != text for text in around if character not in (BELOW, LAST)):
            sys.exit(f"error: U+{ord(character):04X} is ordered by the reference, but otherwise than by utf8proc")
    if not same and (NFD(character) != character or NFKD(character) != character):
        sys.exit(f"error: U+{ord(character):04X} is decomposed by the reference, but otherwise than by utf8proc")
    return not same


def main():
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000 and newer(chr(point))]
    ranges = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    with open(OUT, "w", encoding="utf-8") as file:
        file.write("// Written by recipes/golden/normalization.py: first and last of each range, ascending.\n")
        file.writelines(f"{{0x{first:04x}, 0x{last:04x}}},\n" for first, last in ranges)
    print(f"{len(points)} characters in {len(ranges)} ranges")


if __name__ == "__main__":
    main()
