"""Makes cpython.jsonl: what CPython's json module makes of the texts below.

    python cpython.py > cpython.jsonl

One line for each text: `[text, value]`, where `value` is what `json.dumps` writes of
what `json.loads` read, or null where it refuses the text.
"""

import json
import random
import sys

NUMBERS = """
0 -0 1 -1 10 01 -01 00 +1 - -- .5 -.5 1. 1.e1 1e 1e+ 1e- 1e1 1E1 1e+1 1e-1 1e01 1e+00 1.0 1.50 0.1 0.10
-0.0 0e0 0.0e-7 1e400 -1e400 1e-400 5e-324 2e-324 3e-324 2.2250738585072014e-308 2.2250738585072011e-308
1.7976931348623157e308 1.7976931348623159e308 9007199254740992 9007199254740993 9007199254740993.0
123456789012345678901234567890 -123456789012345678901234567890.5 0.1e1 1e5 1e15 1e16 1e17 1e-4 1e-5
0.0001 0.00001 123456789.123456789 4.35 0.3 2.675 1e22 1e23 8.5899973e9 1_000 0x10 1e1.5 1.2.3 1a 1-1
NaN Infinity -Infinity +Infinity -NaN nan inf Inf infinity -Inf NaNs Infinit -Infinit - I N -I
true false null True None nul nulll tru truefalse falsetrue
""".split()

STRINGS = r"""
"" "a" " " "\"" "\\" "\/" "\b\f\n\r\t" "\u0041" "\u00e4" "ä" "\u20AC" "€" "\ud83d\ude00" "😀" "\uD83D\uDE00"
"\ud83d" "\ude00" "\ude00\ud83d" "\ud83d\ud83d\ude00" "\ud83da" "\ud83d\n" "\ud83d\u0041" "\ud83d\uD83D"
"\ud83d\\ude00" "\u0000" "\u001f" "\u007f" "\u2028\u2029" "\ufeff" "\uffff" "\ufffd"
"\u" "\u1" "\u12" "\u123" "\u123g" "\u 123" "\u+123" "\u-123" "\u0x12" "\U0041" "\x41" "\a" "\0" "\'" "\ " "\
" \" "\" "\\\" "a 'a' a" "a"b "a""b" "\ud83d\u" "\ud83d\u12" "\ud83d\ude0" "\u00E9\u00e9" "/" "</script>"
""".split()
STRINGS += ['"a b"', '"\t"', '"\n"', '"\r"', '"\x00"', '"\x1f"', '"\x7f"', '"\x80"', '"\u2028"', '"\ufeff"', '"\uffff"']

SHAPES = r"""
[] {} [[]] [{}] {"":{}} [1] [1,2] [1,] [,1] [,] [1,,2] [1 2] [1:2] [ ] { } [ 1 , 2 ] {"a":1} {"a":1,} {,"a":1} {,}
{"a"} {"a":} {:1} {a:1} {'a':1} {1:2} {null:1} {"a":1 "b":2} {"a":1,"b":2} {"a":1;"b":2} {"a"=1} {"a":1,"a":2}
{"a":1,"b":2,"a":3} {"a":{"a":1,"a":2}} {"\u0061":1,"a":2} {"\ud83d":1,"\ud83d":2} [ { ] } [} {] ]] }} [[] []] {{}} [{]}
[1]x []{} [][] {}{} 1,2 "a":1 [[[[[[[[[[]]]]]]]]]] {"a":[{"b":[{"c":[]}]}]} [null,true,false,NaN,Infinity,-Infinity]
[01] [-] [1e] [.5] ["a] ["a",] [nul] [NaN,nan] //1 1//2 /*1*/1 [1/*2*/] #1 '1' `1` (1) <1> undefined
""".split()
SPACES = [
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    " \t\n\r",
    "\x0b",
    "\x0c",
    "\x00",
    "\x85",
    "\xa0",
    "\u2028",
    "\u3000",
    "\ufeff",
]


def built(chance: random.Random, depth: int) -> str:
    """The text of a value, with blanks where they may be."""
    blank = lambda: chance.choice(["", "", "", " ", "\n", "\t", " \r\n"])  # noqa: E731
    kind = chance.randrange(5 if depth else 3)
    if kind == 0:
        return chance.choice([t for t in NUMBERS if value_of(t)])
    if kind < 3:
        return chance.choice([t for t in STRINGS if value_of(t)])
    items = [built(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 3:
        return "[" + blank() + (blank() + "," + blank()).join(items) + blank() + "]"
    keys = [chance.choice([t for t in STRINGS if value_of(t)]) for _ in items]
    members = [k + blank() + ":" + blank() + v for k, v in zip(keys, items, strict=True)]
    return "{" + blank() + (blank() + "," + blank()).join(members) + blank() + "}"


def value_of(text: str) -> str | None:
    """What it is to Python, as Python writes it."""
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return None


def main() -> None:
    """Writes all lines."""
    chance = random.Random(1)
    texts = NUMBERS + STRINGS + SHAPES
    texts += [space + "1" for space in SPACES] + ["[" + space + "]" for space in SPACES] + SPACES
    texts += [built(chance, 3) for _ in range(150)]
    for text in dict.fromkeys(texts):
        json.dump([text, value_of(text)], sys.stdout)
        print()


if __name__ == "__main__":
    main()
