#!/usr/bin/env python3
"""A second reader of twins, written from docs/FORMAT.md alone.

    read_twin.py DIR --print FILE    write the JSON text of a store of DIR/twin to stdout
    read_twin.py DIR --compare       compare every store with the JSON file in DIR
    read_twin.py DIR --values        one JSON line for every value, on stdout

It is there to prove that FORMAT.md is enough to read a twin, so it is to be
changed by what FORMAT.md says and not by what the Rust sources do. It favours
checks over speed: --compare and --values look at every byte and refuse what
breaks a rule. Sections here are in the order of FORMAT.md and have its
numbers; structs and enums are read out of that file. Needs Python 3.10, `zstandard` and `xxhash`.

Lines of --values: of a vector store, for each id the bits of its vector, of
the nearest f32 and of the norm in hex, the ref doc, and the metadata as a list
of key and value, or as text; of a store of records, for each record the
collection and key, what looking the key up gives, and what the record expands
to (7.4). Strings with a lone surrogate are written in WTF-8.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import re
import struct
import sys
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import xxhash
import zstandard

VERSION = (1, 0)
BLOCK, MIB = 1 << 16, 1 << 20
Write = Callable[[bytes], Any]


class Refused(Exception):
    """A file breaks a rule of the format, or is of a version unknown here."""


def align(number: int, to: int) -> int:
    return -(-number // to) * to


def words(view: memoryview, code: str) -> list[Any]:
    """An array of little-endian numbers: I is u32, i is i32, b is i8, Q is u64, f is f32, d is f64."""
    return [number for (number,) in struct.iter_unpack("<" + code, view)]


def ascends(numbers: Iterable[Any]) -> bool:
    return all(a < b for a, b in pairwise(numbers))


# ---- 3. Structured encoding -------------------------------------------------


def structs_and_enums() -> tuple[dict[str, str], dict[str, list[str]]]:
    """What FORMAT.md states in its notation: the fields of structs, and of variants as
    Enum.Variant; the variants of enums."""
    structs, enums = {}, {}
    text = (Path(__file__).parent.parent / "docs/FORMAT.md").read_text(encoding="utf-8")
    text = re.sub(r",  .*", ",", "".join(text.split("```")[1::2]))  # code without comments
    for kind, name, body in re.findall(r"^(struct|enum) (\w+) \{((?:[^{}]|\{[^{}]*\})*)\}", text, re.MULTILINE):
        if kind == "struct":
            structs[name] = body
            continue
        variants = re.findall(r"(\d+): (\w+)(?: \{([^{}]*)\})?", body)
        enums[name] = [variant for _, variant, _ in sorted(variants, key=lambda variant: int(variant[0]))]
        structs |= {f"{name}.{variant}": fields for _, variant, fields in variants if "{" in body}
    return structs, enums


STRUCTS, ENUMS = structs_and_enums()
MAP_NAMES = ENUMS["MapName"]


class Decoder:
    """Reads one structured value; refuses every encoding but the canonical one."""

    def __init__(self, file: Container, data: bytes) -> None:
        self.file, self.data, self.at = file, data, 0
        self.need(len(data) <= 64 * MIB, "over 64 MiB")

    def need(self, condition: bool, what: str) -> None:
        self.file.need(condition, f"structured value, byte {self.at}: {what}")

    def take(self, length: int) -> bytes:
        self.need(length <= len(self.data) - self.at, "cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def varint(self, bits: int) -> int:
        first = self.take(1)[0]
        if first <= 250:
            return first
        self.need(first != 255, "a varint begins with 255")
        length = 2 << first - 251
        number = int.from_bytes(self.take(length), "little")
        self.need(number > (250 if length == 2 else (1 << 4 * length) - 1), "a varint is longer than needed")
        self.need(number >> bits == 0, f"a number does not fit {bits} bits")
        return number

    def flag(self) -> bool:
        value = self.take(1)[0]
        self.need(value <= 1, "a bool or Option is neither 0 nor 1")
        return value == 1

    def count(self) -> int:
        number = self.varint(64)
        self.need(number <= len(self.data) - self.at, "more elements than bytes")
        return number

    def value(self, type_: str) -> Any:
        """A struct's fields become attributes. An enum becomes the variant's
        name or, where variants have fields, these with the name as `kind`."""
        if type_ in ENUMS:
            number, variants = self.varint(32), ENUMS[type_]
            self.need(number < len(variants), f"unknown variant {number}")
            variant = f"{type_}.{variants[number]}"
            return self._struct(variant, kind=variants[number]) if variant in STRUCTS else variants[number]
        if type_ in STRUCTS:
            return self._struct(type_)
        if type_ in ("u32", "u64"):
            return self.varint(int(type_[1:]))
        if type_ in ("u8", "bool"):
            return self.take(1)[0] if type_ == "u8" else self.flag()
        if type_.startswith("["):
            inner, length = type_[1:-1].split("; ")
            return self.take(int(length)) if inner == "u8" else [self.value(inner) for _ in range(int(length))]
        if type_.startswith("Option<"):
            return self.value(type_[7:-1]) if self.flag() else None
        if type_ in ("Vec<u8>", "String"):
            data = self.take(self.count())
            return utf8(self.file, data) if type_ == "String" else data
        return [self.value(type_[4:-1]) for _ in range(self.count())]

    def _struct(self, name: str, **fields: Any) -> SimpleNamespace:
        for field, type_ in re.findall(r"(\w+): ([^,]*[^, \n])", STRUCTS[name]):
            fields[field] = self.value(type_)
        return SimpleNamespace(**fields)


def utf8(file: Container, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        file.refuse(f"{data[:80]!r} is not UTF-8")


# ---- 4. The container -------------------------------------------------------


class Container:
    """A file of sections under checksums. All of it is checked when it is opened."""

    def __init__(self, path: Path, letters: bytes, length: int | None = None, root: bytes | None = None) -> None:
        self.path = path
        self.data = data = memoryview(path.read_bytes())
        size = len(data)
        self.need(size >= 128, f"has {size} bytes, too few for a header and a trailer")
        self.need(length is None or size == length, f"has {size} bytes, the manifest says {length}")
        magic = b"\x89" + letters + b"\r\n\x1a\n"
        self._header(magic)
        toc = self._trailer(magic, size)
        self.need(root is None or self.root == root, "has another root than the manifest says")
        self.required: set[str] = set()
        self.sections = self._section_table(toc)
        self._checksums(toc)

    def refuse(self, what: str) -> NoReturn:
        raise Refused(f"{self.path}: {what}")

    def need(self, condition: bool, what: str) -> None:
        if not condition:
            self.refuse(what)

    def zeros(self, start: int, end: int) -> None:
        self.need(not any(self.data[start:end]), f"bytes {start}..{end} are not zero")

    def crc(self, start: int, end: int, expected: int, what: str) -> None:
        self.need(zlib.crc32(self.data[start:end]) == expected, f"{what}: wrong CRC")

    def _header(self, magic: bytes) -> None:
        self.need(self.data[:8] == magic, f"does not begin with the magic {magic!r}")
        major, minor, algorithm, block, reserved, incompat, crc = struct.unpack_from("<HHBBHI40xI", self.data, 8)
        self.crc(0, 60, crc, "header")
        self.need((major, minor) == VERSION, f"is of version {major}.{minor}, which is not known here")
        self.need((incompat, algorithm, block, reserved) == (0, 2, 16, 0), "header: unknown flags or checksums")
        self.zeros(28, 60)

    def _trailer(self, magic: bytes, size: int) -> int:
        base = size - 64
        self.need(bytes(self.data[base + 60 :]) == bytes(255 - b for b in magic[:4]), "trailer: no end mark")
        fields = struct.unpack_from("<QQQII16sQI", self.data, base)
        self.crc_table, self.page_crcs, toc, toc_length, tail_crc, self.root, length, crc = fields
        self.crc(base, base + 56, crc, "trailer")
        self.need(length == size, f"trailer: says {length} bytes, there are {size}")
        table = align(4 * -(-self.crc_table // BLOCK), 64)
        pages = align(4 * -(-table // BLOCK), 64)
        places = (self.page_crcs, toc, size) == (self.crc_table + table, self.page_crcs + pages, toc + toc_length + 64)
        self.need(places and self.crc_table >= 64, "trailer: offsets do not fit together")
        self.need(toc_length % 32 == 0 and toc_length <= 64 * 32, "trailer: impossible section table")
        self.crc(self.page_crcs, base, tail_crc, "page CRCs and section table")
        state = xxhash.xxh3_128(self.data[:64])
        state.update(self.data[self.page_crcs : base])
        self.need(state.intdigest().to_bytes(16, "little") == self.root, "the root is wrong")
        return toc

    def _section_table(self, toc: int) -> dict[str, memoryview]:
        sections: dict[str, memoryview] = {}
        at = 64
        for raw, flags, offset, length, crc, reserved in struct.iter_unpack("<4sIQQII", self.data[toc:-64]):
            self.need(raw.isascii(), "section table: a kind is not ASCII")
            kind = raw.decode()
            self.need(flags <= 1 and reserved == 0, f"section {kind}: reserved bits or bytes are not zero")
            self.need(kind not in sections, f"section {kind} is there twice")
            start = align(at, 64)
            self.need(offset == start and length <= self.crc_table - start, f"section {kind} lies elsewhere")
            self.zeros(at, start)
            at = offset + length
            self.crc(offset, at, crc, f"section {kind}")
            sections[kind] = self.data[offset:at]
            if flags:
                self.required.add(kind)
        self.need(align(at, 64) == self.crc_table, "the sections do not end at the CRC table")
        self.zeros(at, self.crc_table)
        return sections

    def _checksums(self, toc: int) -> None:
        """The pages of the CRC table, then every block."""
        for start, end, crcs, next_ in (
            (self.crc_table, self.page_crcs, self.page_crcs, toc),
            (0, self.crc_table, self.crc_table, self.page_crcs),
        ):
            count = -(-(end - start) // BLOCK)
            for i, crc in enumerate(words(self.data[crcs : crcs + 4 * count], "I")):
                at = start + i * BLOCK
                self.crc(at, min(at + BLOCK, end), crc, f"bytes from {at} on")
            self.zeros(crcs + 4 * count, next_)

    def section(self, kind: str, length: int | None = None) -> memoryview:
        """A section that must be there. Those never asked for must not be: see `finish`."""
        self.need(kind in self.sections, f"section {kind} is missing")
        self.required.discard(kind)
        view = self.sections[kind]
        self.need(length is None or len(view) == length, f"section {kind}: {len(view)} bytes instead of {length}")
        return view

    def structured(self, kind: str, type_: str) -> Any:
        decoder = Decoder(self, bytes(self.section(kind)))
        value = decoder.value(type_)
        self.need(decoder.at == len(decoder.data), f"section {kind}: bytes are left over")
        return value

    def finish(self) -> None:
        self.need(not self.required, f"sections {self.required} are unknown or not called for")


class Parts:
    """Hands out a section's parts one after another."""

    def __init__(self, file: Container, kind: str, there: bool = True) -> None:
        self.file, self.kind, self.at = file, kind, 0
        self.view = file.section(kind) if there else memoryview(b"")

    def take(self, length: int, to: int = 1) -> memoryview:
        """The next `length` bytes and, unseen, zeros up to a multiple of `to`."""
        end, padded = self.at + length, align(self.at + length, to)
        self.file.need(padded <= len(self.view), f"section {self.kind} is too short")
        self.file.need(not any(self.view[end:padded]), f"section {self.kind}: padding is not zero")
        part, self.at = self.view[self.at : end], padded
        return part

    def finish(self) -> None:
        self.file.need(self.at == len(self.view), f"section {self.kind} is too long")


# ---- 5. Compressed blocks ---------------------------------------------------


class Blocks:
    """The compressed blocks of a file; keeps some that were used last."""

    def __init__(self, file: Container) -> None:
        self.file, self.frames, index = file, file.section("BLKS"), file.section("BIDX")
        file.need(len(index) % 32 == 0, "section BIDX is no multiple of 32 bytes")
        self.index = list(struct.iter_unpack("<QQIIII", index))
        self.kept: dict[int, tuple[bytes, list[int]]] = {}
        dictionary = None
        if "DICT" in file.sections:
            raw = self._decompress(zstandard.ZstdDecompressor(), file.section("DICT"), "section DICT", 112_640)
            dictionary = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_FULLDICT)
        self.decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)

    def _decompress(self, decompressor: Any, frame: memoryview, what: str, limit: int) -> bytes:
        try:
            header = zstandard.get_frame_parameters(frame)
            fits = header.content_size <= limit and not header.has_checksum
            self.file.need(fits, f"{what}: another frame header than called for")
            data = decompressor.decompress(frame, read_across_frames=False, allow_extra_data=False)
        except zstandard.ZstdError as error:
            self.file.refuse(f"{what}: {error}")
        self.file.need(len(data) == header.content_size, f"{what}: another length than stated")
        return data

    def block(self, number: int) -> tuple[bytes, list[int]]:
        """A block's bytes, and where its items begin and the last one ends."""
        if number in self.kept:
            return self.kept[number]
        offset, _, stored, raw, items, crc = self.index[number]
        what, need, frame = f"compressed block {number}", self.file.need, self.frames[offset : offset + stored]
        need(len(frame) == stored, f"{what} lies outside of BLKS")
        need(zlib.crc32(frame) == crc, f"{what}: wrong CRC")
        need(4 * items <= raw <= 64 * MIB, f"{what} is over 64 MiB, or too short for its table")
        data = self._decompress(self.decompressor, frame, what, raw)
        need(len(data) == raw, f"{what}: another length than stated")
        bounds = list(accumulate(struct.unpack_from(f"<{items}I", data), initial=4 * items))
        need(not items or bounds[-1] == len(data), f"{what}: items do not fill it")
        if len(self.kept) >= 16:
            self.kept.pop(next(iter(self.kept)))
        self.kept[number] = data, bounds
        return data, bounds


class Heap:
    """A list of items in compressed blocks."""

    def __init__(self, blocks: Blocks, meta: SimpleNamespace) -> None:
        self.blocks, self.items, self.end = blocks, meta.items, meta.first_block + meta.blocks
        need = blocks.file.need
        need(self.end <= len(blocks.index), "a heap has blocks beyond BIDX")
        need((meta.blocks == 0) == (meta.items == 0), "a heap has blocks or items, not both")
        self.numbers: list[int] = []  # of the blocks in which items begin
        self.firsts: list[int] = []
        following = 0
        for number in range(meta.first_block, self.end):
            _, first, _, _, count, _ = blocks.index[number]
            need(first == following, f"compressed block {number}: another first item than its place says")
            need(count > 0 or bool(self.numbers), f"compressed block {number} continues nothing")
            if count:
                self.numbers.append(number)
                self.firsts.append(first)
            following += count
        need(following == meta.items, "a heap has another number of items than its blocks")

    def item(self, n: int) -> bytes:
        self.blocks.file.need(n < self.items, f"item {n} of a heap of {self.items}")
        place = bisect_right(self.firsts, n) - 1
        number, j = self.numbers[place], n - self.firsts[place]
        data, bounds = self.blocks.block(number)
        chain = [data[bounds[j] : bounds[j + 1]]]
        if j + 2 == len(bounds):
            for continuing in range(number + 1, self.end):
                if self.blocks.index[continuing][4]:
                    break
                chain.append(self.blocks.block(continuing)[0])
        return b"".join(chain)


# ---- 6.3 Ids ----------------------------------------------------------------


def set_bits(file: Container, what: str, rows: int, part: memoryview) -> list[int]:
    """The rows whose bit is set."""
    file.need(int.from_bytes(part, "little").bit_length() <= rows, f"{what}: padding is not zero")
    return [row for row in range(rows) if part[row >> 3] >> (row & 7) & 1]


def ranked_bits(file: Container, what: str, rows: int, part: memoryview) -> list[int]:
    """As `set_bits`, from a part with the number of set bits before each group of 512 rows."""
    size = align(-(-rows // 8), 8)
    found = set_bits(file, what, rows, part[:size])
    ranks = [bisect_left(found, group) for group in range(0, rows, 512)]
    file.need(words(part[size:], "I") == ranks, f"{what}: wrong counts")
    return found


def ranked_size(rows: int) -> int:
    return align(-(-rows // 8), 8) + 4 * -(-rows // 512)


class Ids:
    """The ids of a segment, by row and the other way round."""

    def __init__(self, file: Container, meta: SimpleNamespace) -> None:
        self.file, self.rows, self.lookup = file, meta.rows, meta.lookup
        possible = 0 < meta.rows <= 2**32 - 2 or (meta.rows, meta.form) == (0, "Uuid")
        file.need(possible, "impossible ids")
        self.ids = self._texts(meta) if meta.form in ("Text", "LongText") else self._fixed_width(meta)
        if meta.lookup.kind == "Slots":
            file.need(meta.lookup.slots > meta.rows and meta.lookup.max_probe < 512, "impossible hash slots")
            self.slots = words(file.section("ISLT", 4 * meta.lookup.slots), "I")
        else:
            self.sorted = words(file.section("ISRT", 4 * meta.rows), "I")
            file.need(self.sorted == sorted(range(meta.rows), key=self.ids.__getitem__), "section ISRT is not sorted")

    def _texts(self, meta: SimpleNamespace) -> list[bytes]:
        texts = bytes(self.file.section("IDS "))
        width, code = (8, "Q") if meta.form == "LongText" else (4, "I")
        ends = words(self.file.section("IEND", width * meta.rows), code)
        self.file.need(all(a <= b for a, b in pairwise(ends)), "section IEND does not ascend")
        self.file.need(ends[-1] == len(texts), "the last id does not end where IDS does")
        return [texts[start:end] for start, end in pairwise([0, *ends])]

    def _fixed_width(self, meta: SimpleNamespace) -> list[bytes]:
        rows, mixed = meta.rows, meta.form == "Mixed"
        ids = self.file.section("IDS ", 16 * rows).hex()
        texts = Parts(self.file, "ITXT", there=mixed)
        cuts = [*pairwise((0, 8, 12, 16, 20, 32))]
        result = ["-".join(ids[at + a : at + b] for a, b in cuts).encode() for at in range(0, 32 * rows, 32)]
        kinds = self.file.section("IKND", align(-(-rows // 8), 8)) if mixed else memoryview(b"")
        for row in set_bits(self.file, "section IKND", rows, kinds) if mixed else ():
            begin, length = struct.unpack("<QQ", bytes.fromhex(ids[32 * row : 32 * row + 32]))
            self.file.need(begin == texts.at, f"the text of id {row} does not follow the one before")
            result[row] = bytes(texts.take(length))
        texts.finish()
        return result

    def id(self, row: int) -> bytes:
        """UTF-8, or WTF-8."""
        self.file.need(0 <= row < self.rows, f"row {row} of {self.rows}")
        return self.ids[row]

    def text(self, row: int) -> str:
        return decoded(self.file, self.id(row))

    def find(self, wanted: bytes) -> int | None:
        if self.lookup.kind == "Sorted":
            found = self.sorted[bisect_left(self.sorted, wanted, key=self.id) :][:1]
            return found[0] if found and self.ids[found[0]] == wanted else None
        b, slots = self.rows.bit_length(), self.lookup.slots
        h = xxhash.xxh3_64_intdigest(wanted, self.lookup.seed)
        first, mark = h * slots >> 64, (h << b) & 0xFFFFFFFF
        for n in range(self.lookup.max_probe + 1):
            e = self.slots[(first + n) % slots]
            if e == 0:
                return None
            row = (e & ((1 << b) - 1)) - 1
            if e >> b == mark >> b and self.id(row) == wanted:
                return row
        return None

    def check(self) -> None:
        """Each id is found at its row (so none is there twice)."""
        for row, id_ in enumerate(self.ids):
            self.file.need(self.find(id_) == row, f"the id of row {row} is not found there")


SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def decoded(file: Container, text: bytes) -> str:
    """Decodes WTF-8."""
    try:
        result = text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        file.refuse("an id or key is not UTF-8")
    file.need(not SURROGATE_PAIR.search(result), "an id or key holds a pair of surrogates")
    return result


# ---- 6.4 Planes -------------------------------------------------------------

NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|NaN|-?Infinity")
SMALLEST_NORMAL = 2.0**-126
Digits = tuple[bool, str, int]  # whether negative, the digits, the exponent of the first


def bits_of(value: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


class Plane:
    """Vectors of one length."""

    def __init__(self, file: Container, meta: SimpleNamespace, parts: dict[str, Parts]) -> None:
        self.file, self.rows, self.dim = file, meta.rows, meta.dim
        rows, dim, need = meta.rows, meta.dim, file.need
        need((dim == 0) == (rows == 0) and dim <= 65_536, "impossible plane")
        parts["PLAN"].take(0, 64)
        self.plane = parts["PLAN"].take(4 * dim * rows)
        classes = bytes(parts["CLAS"].take(rows))
        self.norms = words(parts["NORM"].take(8 * rows), "d")
        self.low = parts["LOWP"].take(4 * dim * meta.delta)
        low_rank = words(parts["LRNK"].take(4 * -(-rows // 512) if meta.delta else 0), "I")
        exceptions = [*struct.iter_unpack("<IIQ", parts["EXCP"].take(16 * meta.exceptions))]
        tokens = bytes(parts["TOKN"].take(meta.token_bytes))
        irregular = words(parts["IRRG"].take(4 * meta.irregular), "I")

        self.classes = [n & 127 for n in classes]
        counts = [self.classes.count(n) for n in range(3)]
        right = counts == [meta.exact, meta.decimal, meta.delta] and sum(counts) == rows
        need(right, "section CLAS: wrong number of rows in a class")
        delta_rows = [row for row, n in enumerate(self.classes) if n == 2]
        self.delta_places = {row: place for place, row in enumerate(delta_rows)}
        ranks = [bisect_left(delta_rows, group) for group in range(0, rows, 512)]
        need(not meta.delta or low_rank == ranks, "section LRNK: wrong number of rows")
        self.exceptions: dict[int, dict[int, bytes]] = {}
        start = 0
        for row, column, end in exceptions:
            need(row < rows and column < dim and start < end, "section EXCP: no such place, or no token")
            need(bool(NUMBER.fullmatch(tokens[start:end])), f"section TOKN: {tokens[start:end]!r} is no number")
            self.exceptions.setdefault(row, {})[column] = tokens[start:end]
            start = end
        need(start == len(tokens), "section TOKN is too long")
        need(ascends((row, column) for row, column, _ in exceptions), "section EXCP is not sorted")
        marked = [row for row, n in enumerate(classes) if n & 128]
        need(marked == list(self.exceptions), "section CLAS: wrong rows are marked as having exceptions")
        need(ascends(irregular), "section IRRG does not ascend")
        self.irregular = set(irregular)

    def nearest(self, row: int) -> tuple[float, ...]:
        """The row as f32."""
        return struct.unpack_from(f"<{self.dim}f", self.plane, 4 * self.dim * row)

    def components(self, row: int) -> Iterator[tuple[float, Digits | bytes]]:
        """Each component's value, and its digits or token."""
        self.file.need(row < self.rows, f"row {row} of a plane of {self.rows}")
        class_, tokens, deltas = self.classes[row], self.exceptions.get(row, {}), ()
        if class_ == 2:
            deltas = struct.unpack_from(f"<{self.dim}i", self.low, 4 * self.dim * self.delta_places[row])
        for column, f in enumerate(self.nearest(row)):
            if column in tokens:
                yield float(tokens[column]), tokens[column]
                continue
            normal = SMALLEST_NORMAL <= abs(f) < math.inf or f == 0
            self.file.need(normal, f"row {row}, column {column} should be an exception")
            value = f
            if class_ == 2:
                value = struct.unpack("<d", struct.pack("<Q", (bits_of(f) + deltas[column]) % 2**64))[0]
                self.file.need(math.isfinite(value), f"row {row}, column {column} is not finite")
            digits, e = f32_digits(abs(f)) if class_ == 1 else f64_digits(abs(value))
            if class_ == 1:
                value = math.copysign(float(f"{digits or 0}e{e - len(digits) + 1}"), f)
            yield value, (math.copysign(1, value) < 0, digits, e)

    def print(self, row: int, out: Out, depth: int) -> None:
        for _, number in out.children(b"[]", depth, self.components(row)):
            out.write(number if isinstance(number, bytes) else laid_out(number, out.numbers))

    def check(self) -> None:
        """What stands in PLAN, NORM and IRRG is what the values give."""
        irregular = set()
        for row in range(self.rows):
            values, sums = [value for value, _ in self.components(row)], [0.0] * 8
            nearest = [f32_bits(value) for value in values]
            there = words(self.plane[4 * self.dim * row : 4 * self.dim * (row + 1)], "I")
            self.file.need(there == nearest, f"row {row}: section PLAN is not the nearest f32")
            for i, value in enumerate(values):
                sums[i % 8] += value * value
            s0, s1, s2, s3, s4, s5, s6, s7 = sums
            norm, stored = math.sqrt(((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))), self.norms[row]
            same = norm == stored or (norm != norm and stored != stored)
            self.file.need(same, f"row {row}: the norm is wrong")
            if row in self.exceptions or not 2.0**-60 <= norm <= 2.0**60:
                irregular.add(row)
        self.file.need(irregular == self.irregular, "section IRRG is wrong")


def read_planes(file: Container, metas: list[SimpleNamespace]) -> list[Plane]:
    there = {kind: bool(metas) for kind in ("PLAN", "CLAS", "NORM")}
    there |= {kind: any(meta.delta for meta in metas) for kind in ("LOWP", "LRNK")}
    there |= {kind: any(meta.exceptions for meta in metas) for kind in ("EXCP", "TOKN")}
    there["IRRG"] = any(meta.irregular for meta in metas)
    parts = {kind: Parts(file, kind, needed) for kind, needed in there.items()}
    planes = [Plane(file, meta, parts) for meta in metas]
    for part in parts.values():
        part.finish()
    return planes


# ---- 6.5 Orders and sequence numbers ----------------------------------------


class Entries:
    """The entries of a map or collection: their rows, sequence numbers, and which are deleted."""

    def __init__(self, file: Container, meta: SimpleNamespace, rows: int, keyed: bool, order: memoryview) -> None:
        self.count, self.keyed, kind = meta.entries, keyed, meta.order.kind
        self.dead: set[int] = set()
        self.numbers: Any = range(meta.sequence.first, meta.sequence.first + meta.entries)
        need = file.need
        if not meta.entries or not keyed:
            need(kind == "Range" and meta.order.first == 0, "an order that should be Range from 0 is not")
        if kind == "Range":
            self.rows: Any = range(meta.order.first, meta.order.first + meta.entries)
        elif kind == "Bitmap":
            self.rows = ranked_bits(file, "section ORDR", rows, order)
        else:
            numbers = words(order, "I")
            self.rows, by_row = numbers[: meta.entries], numbers[meta.entries :]
            sorted_ = sorted(range(meta.entries), key=self.rows.__getitem__) if kind == "Explicit" else []
            need(by_row == sorted_, "section ORDR: entries are not sorted by row")
        need(len(self.rows) == meta.entries, "section ORDR: another number of rows than entries")
        need(not keyed or max(self.rows, default=-1) < rows, "an order has rows beyond the last")
        need(kind != "Ascending" or ascends(self.rows), "section ORDR does not ascend")
        self.by_row: dict[int, list[int]] = {}
        for entry, row in enumerate(self.rows if keyed else ()):
            self.by_row.setdefault(row, []).append(entry)

    def live(self, row: int | None = None) -> Iterator[int]:
        """All entries that are not deleted, or those of a row."""
        entries = range(self.count) if row is None else self.by_row.get(row, ())
        return (entry for entry in entries if entry not in self.dead)


def read_entries(file: Container, metas: list[SimpleNamespace], rows: int) -> list[Entries]:
    orders = Parts(file, "ORDR", any(meta.order.kind != "Range" for meta in metas))
    sequences = Parts(file, "SEQN", any(meta.sequence.explicit for meta in metas))
    result = []
    for meta in metas:
        sizes = {"Range": 0, "Bitmap": ranked_size(rows), "Ascending": 4 * meta.entries, "Explicit": 8 * meta.entries}
        entries = Entries(file, meta, rows, getattr(meta, "keyed", True), orders.take(sizes[meta.order.kind], 8))
        if meta.sequence.explicit:
            entries.numbers = words(sequences.take(8 * meta.entries), "Q")
            file.need(ascends(entries.numbers) and meta.entries > 0, "section SEQN does not ascend")
        file.need(not (meta.sequence.explicit or not meta.entries) or meta.sequence.first == 0, "impossible sequence")
        file.need(meta.sequence.first + meta.entries <= 2**64, "a sequence number is too large")
        result.append(entries)
    orders.finish()
    sequences.finish()
    return result


# ---- 6.6 Columns ------------------------------------------------------------


def read_codes(file: Container, run: memoryview, meta: SimpleNamespace) -> list[int]:
    bits, width = meta.count * meta.width, meta.width
    end = meta.offset + align(-(-bits // 8) + 8, 8)
    file.need(width <= 32 and meta.offset % 8 == 0, "a run of codes has an impossible width or place")
    file.need(end <= len(run), "a run of codes lies outside of CODE")
    part = run[meta.offset : end]
    file.need(int.from_bytes(part[bits // 8 :], "little") >> bits % 8 == 0, "a run of codes: padding is not zero")
    starts = range(0, bits, width) if width else [0] * meta.count
    return [int.from_bytes(part[at >> 3 : (at >> 3) + 8], "little") >> (at & 7) & ((1 << width) - 1) for at in starts]


class Storage:
    """The values of one or more columns."""

    def __init__(self, file: Container, blocks: Blocks, run: memoryview, meta: SimpleNamespace) -> None:
        self.values = Heap(blocks, meta.values)
        self.plain = meta.kind == "Plain"
        codes = [] if self.plain else read_codes(file, run, meta.codes)
        self.count = meta.values.items if self.plain else len(codes)
        self.codes = dict(enumerate(codes))
        if meta.kind == "Sparse":
            entries, end = meta.entries, meta.entries.offset + 4 * meta.entries.count
            self.count = entries.of
            file.need(entries.offset % 8 == 0 and align(end, 8) <= len(run), "a list of entries lies outside of CODE")
            file.need(not any(run[end : align(end, 8)]), "a list of entries: padding is not zero")
            places = words(run[entries.offset : end], "I")
            file.need(ascends(places) and max(places, default=0) < entries.of, "a list of entries does not ascend")
            file.need(len(codes) == entries.count and 0 not in codes, "a list of entries has other codes")
            self.codes = dict(zip(places, codes, strict=True))

    def value(self, n: int) -> bytes | None:
        if self.plain:
            return self.values.item(n) or None
        code = self.codes.get(n, 0)
        return self.values.item(code - 1) if code else None


class Columns:
    """Metadata and ref docs."""

    def __init__(self, file: Container, metadata: int, ref_docs: int) -> None:
        self.file = file
        meta, need = file.structured("COLS", "Directory"), file.need
        blocks, run = Blocks(file), file.section("CODE")
        self.storages = [Storage(file, blocks, run, storage) for storage in meta.storages]
        need(len(meta.columns) <= 512 and len(meta.shapes) <= 4096, "too many columns or shapes")
        self.columns = [(decoded(file, c.key), self._storage(c.storage, metadata)) for c in meta.columns]
        self.shapes = meta.shapes
        for shape in meta.shapes:
            need(all(column < len(self.columns) for column in shape), "a shape has an unknown column")
            need(len({self.columns[column][0] for column in shape}) == len(shape), "a key is twice in a shape")
        need(meta.shape_codes is not None and meta.shape_codes.count == metadata, "wrong number of shape codes")
        self.shape_codes = read_codes(file, run, meta.shape_codes)
        self.raw = None if meta.raw is None else self._storage(meta.raw, metadata)
        self.ref_docs = None if meta.ref_doc is None else self._storage(meta.ref_doc, ref_docs)

    def _storage(self, number: int, entries: int) -> Storage:
        self.file.need(number < len(self.storages), f"no such storage: {number}")
        self.file.need(self.storages[number].count == entries, f"storage {number} is for other entries")
        return self.storages[number]

    def _present(self, storage: Storage | None, entry: int) -> str:
        value = storage and storage.value(entry)
        self.file.need(value is not None, f"the value of entry {entry} is absent from its storage")
        return utf8(self.file, value)

    def metadata(self, entry: int) -> list[tuple[str, str]] | str:
        """Keys and values, or the text as it was written."""
        code = self.shape_codes[entry]
        if code == 0:
            return self._present(self.raw, entry)
        self.file.need(code <= len(self.shapes), f"metadata entry {entry} has an unknown shape")
        columns = (self.columns[column] for column in self.shapes[code - 1])
        return [(key, self._present(storage, entry)) for key, storage in columns]

    def ref_doc(self, entry: int) -> str:
        return self._present(self.ref_docs, entry)


# ---- 6. Vector segments -----------------------------------------------------


class VectorSegment:
    """Rows and columns of a vector store."""

    def __init__(self, file: Container) -> None:
        self.file = file
        meta = self.meta = file.structured("META", "VectorsMeta")
        self.style = Style(file, meta.style)
        self.ids = Ids(file, meta.ids)
        self.planes = read_planes(file, [meta.plane])
        self.sketch = Sketch(file, self.planes[0]) if "SKCO" in file.sections else None
        self.maps = read_entries(file, [meta.vectors, meta.ref_docs, meta.metadata], self.ids.rows)
        in_place = self.maps[0].rows == range(self.planes[0].rows)
        file.need(in_place, "the map of vectors is not in the order of the plane")
        file.need(all(len(m.by_row) == m.count for m in self.maps), "an id is twice in a map")
        _, ref_docs, metadata = (m.count for m in self.maps)
        self.columns = Columns(file, metadata, ref_docs) if ref_docs or metadata else None
        oddments = file.structured("ODDM", "Vec<Oddment>") if "ODDM" in file.sections else []
        listed = [(MAP_NAMES.index(o.map), o.entry, o.part) for o in oddments]
        right = ascends(listed) and bool(listed) == ("ODDM" in file.sections)
        file.need(right, "section ODDM is empty or not sorted")
        file.need(all(entry < self.maps[m].count for m, entry, _ in listed), "section ODDM: no such entry")
        file.need(all(m == 1 or part == "Key" for m, _, part in listed), "section ODDM: a value that is no ref doc's")
        self.oddments = {place: o.text for place, o in zip(listed, oddments, strict=True)}
        named = [member.map for member in meta.members if member.kind == "Map"]
        file.need(len(set(named)) == len(named), "a map is there twice")
        file.finish()

    def print_entry(self, number: int, entry: int, out: Out) -> None:
        row, oddment = self.maps[number].rows[entry], self.oddments.get((number, entry, "Key"))
        out.key(self.file, self.ids.id(row), oddment)
        if number == 0:
            self.planes[0].print(row, out, 3)
        elif number == 1:
            value, oddment = self.columns.ref_doc(entry), self.oddments.get((1, entry, "Value"))
            out.value(self.file, value, 2) if oddment is None else out.write(oddment)
        elif isinstance(metadata := self.columns.metadata(entry), str):
            out.write(metadata.encode())
        else:
            for key, value in out.children(b"{}", 3, metadata):
                out.string(key)
                out.colon()
                out.value(self.file, value, 3)


class Sketch:
    """6.9: the directions of rows in bytes."""

    def __init__(self, file: Container, plane: Plane) -> None:
        self.file, self.plane, rows, dim = file, plane, plane.rows, plane.dim
        file.need(rows > 0, "a sketch of no rows")
        self.mean = words(file.section("SKMN", 4 * dim), "f")
        self.codes = file.section("SKCO", dim * rows)
        self.numbers = words(file.section("SKNU", 16 * rows), "f")
        finite = all(map(math.isfinite, (*self.mean, *self.numbers)))
        file.need(finite and -128 not in words(self.codes, "b"), "a sketch with impossible numbers")

    def check(self) -> None:
        """The bounds hold, but for the roundings of this very computation."""
        dim = self.plane.dim
        for row in range(self.plane.rows):
            if row in self.plane.irregular:
                continue
            scale, share, error, length = self.numbers[4 * row : 4 * row + 4]
            codes = words(self.codes[dim * row : dim * (row + 1)], "b")
            values = (value / self.plane.norms[row] for value, _ in self.plane.components(row))
            lost = [x - share * m - scale * c for x, m, c in zip(values, self.mean, codes, strict=True)]
            bounded = math.hypot(*lost) <= error and math.hypot(*(scale * c for c in codes)) <= length
            self.file.need(bounded, f"row {row}: the bounds of its sketch are wrong")


# ---- 7. Record segments -----------------------------------------------------


class Hashes:
    """7.3: content hashes of rows, and others."""

    def __init__(self, file: Container, meta: SimpleNamespace, rows: int) -> None:
        self.file, self.form, self.rows, self.others = file, meta.form, meta.rows, meta.others
        count, some = meta.rows + meta.others, meta.rows < rows
        file.need(meta.rows <= rows, "more hashes than rows")
        self.hashes = file.section("HASH", 32 * count) if count else b""
        having: Any = range(meta.rows)
        if count and some:
            having = ranked_bits(file, "section HROW", rows, file.section("HROW", ranked_size(rows)))
        file.need(len(having) == meta.rows, "section HROW: another number of rows than META says")
        self.places = {row: place for place, row in enumerate(having)}

    def _text(self, place: int) -> str:
        digest = bytes(self.hashes[32 * place : 32 * place + 32])
        return digest.hex() if self.form == "Hex" else base64.b64encode(digest).decode()

    def of_row(self, row: int | None) -> str:
        self.file.need(row in self.places, f"row {row} has no hash")
        return self._text(self.places[row])

    def other(self, n: int) -> str:
        self.file.need(n < self.others, f"no other hash {n}")
        return self._text(self.rows + n)


NamePath = tuple[bytes, ...]


class RecordSegment:
    """Collections of records."""

    def __init__(self, file: Container) -> None:
        self.file = file
        meta, need = file.structured("META", "RecordsMeta"), file.need
        self.meta, self.collections = meta, meta.collections
        need(1 <= len(meta.styles) <= 64 and len(meta.planes) <= 64, "too few or too many styles or planes")
        need(len(meta.collections) <= 65_536, "too many collections")
        self.styles = [Style(file, style) for style in meta.styles]
        self.ids = Ids(file, meta.ids)
        self.hashes = Hashes(file, meta.hashes, self.ids.rows)
        self.planes = read_planes(file, meta.planes)
        self.maps = read_entries(file, meta.collections, self.ids.rows)
        self.blocks = Blocks(file)
        self.heaps = [Heap(self.blocks, c.records) for c in meta.collections]
        following = 0
        for c in meta.collections:
            need(c.records.items == c.entries, "a collection has other entries than records")
            need(c.records.first_block == following or not c.records.blocks, "heaps are not in order")
            need(c.style < len(self.styles), "a collection has an unknown style")
            following += c.records.blocks
        need(following == len(self.blocks.index), "BIDX has entries of no heap")
        self.hashes_of_blocks = words(file.section("PHSH", 8 * following), "Q")
        self.paths = self._paths()
        named = [m.collection for m in meta.members if m.kind == "Collection"]
        top = [number for number, c in enumerate(meta.collections) if c.parent is None]
        need(sorted(named) == top, "the members do not name each collection without a parent once")
        file.finish()

    def _paths(self) -> list[NamePath]:
        """Of each collection: its name; or its parent's path, the record's key, its name."""
        paths: list[NamePath] = []
        for number, c in enumerate(self.collections):
            decoded(self.file, c.name)
            path: NamePath = ()
            if c.parent is not None:
                above = c.parent.collection < number and self.collections[c.parent.collection].keyed and c.keyed
                self.file.need(above, f"collection {number} has an impossible parent")
                path = (*paths[c.parent.collection], c.parent.record)
            paths.append((*path, c.name))
            self.file.need(len(path) <= 6, "more than 4 collections stand in each other")
        self.file.need(len(set(paths)) == len(paths), "two collections of the same name and parent")
        return paths

    def style_of(self, collection: int) -> Style:
        return self.styles[self.collections[collection].style]

    def check(self) -> None:
        """7.4: what the records of each block expand to has the hash in PHSH."""
        expected = [0] * len(self.blocks.index)
        for number, heap in enumerate(self.heaps):
            for block, first in zip(heap.numbers, heap.firsts, strict=True):
                state = xxhash.xxh3_64()
                out = Out(self.style_of(number), state.update, expanding=True)
                for entry in range(first, first + self.blocks.index[block][4]):
                    Record(self, number, entry).print(out, 0, None)
                expected[block] = state.intdigest()
        for block, (hash_, right) in enumerate(zip(self.hashes_of_blocks, expected, strict=True)):
            self.file.need(hash_ == right, f"section PHSH: block {block} expands to something else")


class Record:
    """One record of a collection, and what its ops refer to."""

    def __init__(self, segment: RecordSegment, collection: int, entry: int) -> None:
        self.segment, self.collection = segment, collection
        keyed, self.key = segment.collections[collection].keyed, None
        self.own = segment.maps[collection].rows[entry] if keyed else None
        self.data = segment.heaps[collection].item(entry)
        text = PackedText(segment.file, self.data)
        if self.data[:1] == bytes([KEY]):
            text.at = 1
            length = text.number()
            text.at += length
            self.key = self.data[text.at - length : text.at]
            segment.file.need(keyed and text.at <= len(self.data), f"entry {entry}: impossible KEY")
        self.is_text = self.data[text.at : text.at + 1] == bytes([TEXT])
        self.text_at = text.at + self.is_text

    def is_parent_of(self, number: int) -> bool:
        collections = self.segment.collections
        parent = collections[number].parent if number < len(collections) else None
        if parent is None or parent.collection != self.collection:
            return False
        return parent.record == self.segment.ids.id(self.own)

    def print(self, out: Out, depth: int, store: RecordStore | None) -> None:
        """Prints it by itself, with nested collections as the store has them."""
        if self.is_text:
            out.write(self.data[self.text_at :])
        else:
            PackedText(self.segment.file, self.data, self, store).print(out, depth)


# ---- 7.5 Packed text --------------------------------------------------------

ESCAPE = rb'\\(?:["\\bfnrt]|u00[01][0-9a-f]|ud[89a-f][0-9a-f]{2})'
PLAIN = rb'[^"\\\x00-\x1f]*'
TOKEN = re.compile(rb'"%b(?:%b%b)*"|true|false|null|%b' % (PLAIN, ESCAPE, PLAIN, NUMBER.pattern))
OWN, NEXT, PREVIOUS, ROW, ROWS, HASH, OTHER_HASH, SAME_OBJECT = range(1, 9)
SAME_ARRAY, NUMBERS, JSON, END, MAP, KEY, TEXT = 0x0B, 0x0C, 0x0E, 0x0F, 0x10, 0x11, 0x12
IDS_AND_HASHES = {OWN, NEXT, PREVIOUS, ROW, HASH, OTHER_HASH}
OBJECT, ARRAY, COMMA, QUOTE = b'{[,"'
CLOSING = {OBJECT: b"{}"[1], ARRAY: b"[]"[1]}


class PackedText:
    """One value in normal form or, where there is a record, packed text."""

    def __init__(self, file: Container, data: bytes, rec: Any = None, store: RecordStore | None = None) -> None:
        self.file, self.data, self.rec, self.store = file, data, rec, store
        self.at, self.row = (rec.text_at, rec.own) if rec else (0, None)
        self.ops = self.nesting = 0
        self.same: dict[int, bytes] = {}  # the last plain object and array
        self.maps: set[int] = set()

    def need(self, condition: bool, what: str) -> None:
        self.file.need(condition, f"packed text, byte {self.at} of {len(self.data)}: {what}")

    def print(self, out: Out, depth: int) -> None:
        """Prints the value. It may be nested a million deep, so that nothing recurses."""
        open_: list[tuple[int, int, int, int | None, Out, int]] = []  # containers and JSON strings
        while True:
            byte = self._peek()
            if byte in CLOSING:
                open_.append((byte, self.at, self.ops, self.row, out, depth))
                self.at += 1
                if self._peek() != CLOSING[byte]:
                    depth += 1
                    out.open(byte, depth)
                    self._key(byte, out)
                    continue
                self.at += 1
                out.write(bytes((byte, CLOSING[byte])))
                self._remember(*open_.pop())
            elif byte == JSON:
                open_.append((byte, self.at, self.ops, self.row, out, depth))
                out, depth = self._json(out), 0
                continue
            else:
                self._single(byte, out, depth, in_array=bool(open_) and open_[-1][0] == ARRAY)
            while open_:  # a value has ended
                kind, *_ = open_[-1]
                if kind == JSON:
                    self._expect(END)
                    self.nesting -= 1
                    self.same.clear()
                    out.end()
                    *_, out, depth = open_.pop()
                    out.quote()
                elif self._peek() == COMMA:
                    self.at += 1
                    out.comma(depth)
                    self._key(kind, out)
                    break
                else:
                    self._expect(CLOSING[kind])
                    out.close(CLOSING[kind], depth)
                    depth -= 1
                    self._remember(*open_.pop())
            else:
                break
        self.need(self.at == len(self.data), "bytes after the value")

    def _remember(self, kind: int, start: int, ops: int, row: int | None, *_: Any) -> None:
        """A container has ended."""
        if kind == OBJECT:
            self.row = row
        if ops == self.ops and 16 <= self.at - start <= 4096:
            self.same[kind] = self.data[start : self.at]

    def _peek(self) -> int:
        return self.data[self.at] if self.at < len(self.data) else -1

    def _expect(self, byte: int) -> None:
        self.need(self._peek() == byte, f"{bytes([byte])!r} expected")
        self.at += 1

    def _key(self, container: int, out: Out) -> None:
        """The key of an object's member."""
        if container == OBJECT:
            byte = self._peek()
            self.need(byte == QUOTE or byte in IDS_AND_HASHES, "a key expected")
            self._single(byte, out, 0, in_array=False)
            self._expect(ord(":"))
            out.colon()

    def number(self) -> int:
        """A LEB128."""
        number = 0
        for shift in range(0, 35, 7):
            byte = self._peek()
            self.need(byte >= 0, "a number is cut short")
            self.at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                self.need(number < 2**32 and not (shift and byte == 0), "a number is too large or too long")
                return number
        self.file.refuse("a number of an op is too long")

    def _json(self, out: Out) -> Out:
        """The beginning of JSON in a string."""
        style = self._op()
        self.nesting += 1
        self.need(style < len(self.rec.segment.styles) and self.nesting <= 4, "no such style, or JSON over 4 deep")
        self.same.clear()
        out.quote()
        inner = out.inside(self.rec.segment.styles[style])
        inner.begin()
        return inner

    def _op(self) -> int:
        """Goes over an op; its number, if it has one."""
        op = self._peek()
        self.need(self.rec is not None, f"op {op:02x} where none may stand")
        self.at += 1
        self.ops += 1
        return self.number() if op in (ROW, ROWS, OTHER_HASH, NUMBERS, JSON, MAP) else 0

    def _single(self, byte: int, out: Out, depth: int, in_array: bool) -> None:
        """A token or an op that stands for a value at `depth`."""
        if not 0 <= byte < 0x20:
            match = TOKEN.match(self.data, self.at)
            self.need(match is not None, "a value expected")
            self.at = match.end()
            out.token(match[0])
            return
        n = self._op()
        segment, rec = self.rec.segment, self.rec
        if byte in (OWN, NEXT, PREVIOUS, ROW):
            self.need(byte == ROW or rec.own is not None, f"op {byte:02x} in a record without a key")
            self.row = n if byte == ROW else rec.own + {OWN: 0, NEXT: 1, PREVIOUS: -1}[byte]
            out.string(segment.ids.text(self.row))
        elif byte == ROWS:
            count = self.number()
            self.need(in_array and count >= 2, "ROWS of less than 2, or outside of an array")
            for i in range(n, n + count):
                if i > n:
                    out.comma(depth)
                out.string(segment.ids.text(i))
        elif byte == HASH:
            out.string(segment.hashes.of_row(self.row))
        elif byte == OTHER_HASH:
            out.string(segment.hashes.other(n))
        elif byte in (SAME_OBJECT, SAME_ARRAY):
            text = self.same.get(OBJECT if byte == SAME_OBJECT else ARRAY)
            self.need(text is not None, "nothing to repeat")
            PackedText(self.file, text).print(out, depth)
        elif byte == NUMBERS:
            self.need(n < len(segment.planes), f"no such plane: {n}")
            segment.planes[n].print(self.number(), out, depth + 1)
        elif byte == MAP:
            self.need(n not in self.maps and rec.is_parent_of(n), f"collection {n} does not belong here")
            self.maps.add(n)
            if self.store is not None:
                self.store.print_collection(segment, n, out, depth)
        else:
            self.need(False, f"op {byte:02x} is unknown, or not at its place")


# ---- 8. Tombstones, and stores of several segments --------------------------


def bury(file: Container, segments: dict[bytes, VectorSegment | RecordSegment]) -> None:
    """Tells the segments which of their entries are deleted."""
    meta, parts = file.structured("META", "TombstonesMeta"), Parts(file, "DEAD")
    file.need(ascends(target.segment for target in meta.targets), "targets are not sorted")
    for target in meta.targets:
        file.need(target.segment in segments, "a target is no segment of the store")
        maps = segments[target.segment].maps
        file.need(bool(target.maps) and ascends(m.map for m in target.maps), "the maps of a target do not ascend")
        for m in target.maps:
            file.need(m.map < len(maps) and m.entries == maps[m.map].count, "a target has another map")
            part = parts.take(-(-m.entries // 8) if m.bits else 4 * m.dead, 8)
            dead = set_bits(file, "section DEAD", m.entries, part) if m.bits else words(part, "I")
            right = ascends(dead) and max(dead, default=0) < m.entries and len(dead) == m.dead > 0
            file.need(right, "section DEAD does not fit META")
            maps[m.map].dead = set(dead)
    parts.finish()
    file.finish()


class Merged:
    """Maps or collections of several segments that belong together, oldest segment first."""

    def __init__(self) -> None:
        self.parts: list[tuple[Any, int]] = []  # segment, number of the map or collection

    def live(self) -> Iterator[tuple[Any, int, int]]:
        """Segment, number and entry of all live entries, in the order of the text."""
        rows = (None for _ in self.parts)
        return ((*self.parts[place], entry) for _, place, entry in self._sorted(rows))

    def find(self, id_: bytes) -> tuple[Any, int, int] | None:
        """The last live entry of an id."""
        rows = (segment.ids.find(id_) for segment, _ in self.parts)
        found = self._sorted(-1 if row is None else row for row in rows)[-1:]
        return (*self.parts[found[0][1]], found[0][2]) if found else None

    def _sorted(self, rows: Iterable[int | None]) -> list[tuple[int, int, int]]:
        """Sequence number, place in `parts`, entry."""
        maps = [segment.maps[number] for segment, number in self.parts]
        found = enumerate(zip(maps, rows, strict=True))
        return sorted((m.numbers[entry], place, entry) for place, (m, row) in found for entry in m.live(row))


def print_members(style: Style, members: list[SimpleNamespace], print_: Callable[..., None], write: Write) -> None:
    """The text of a store: its top-level object."""
    out = Out(style, write)
    out.begin()
    for member in out.children(b"{}", 1, members):
        out.write(member.key)
        out.colon()
        if member.kind == "Other":
            out.write(member.value)
        else:
            print_(member, out)
    out.end()


class VectorStore:
    """A vector store of one or more segments, oldest first."""

    def __init__(self, segments: list[VectorSegment]) -> None:
        self.segments, self.newest = segments, segments[-1]
        self.maps = [Merged() for _ in MAP_NAMES]
        for number, m in enumerate(self.maps):
            m.parts = [(segment, number) for segment in segments]

    def print(self, write: Write) -> None:
        print_members(self.newest.style, self.newest.meta.members, self._print_map, write)

    def _print_map(self, member: SimpleNamespace, out: Out) -> None:
        for segment, number, entry in out.children(b"{}", 2, self.maps[MAP_NAMES.index(member.map)].live()):
            segment.print_entry(number, entry, out)

    def values(self) -> Iterator[dict[str, Any]]:
        """Every id once, in the oldest segment that has it."""
        for s, segment in enumerate(self.segments):
            for id_ in segment.ids.ids:
                if any(older.ids.find(id_) is not None for older in self.segments[:s]):
                    continue
                vector, ref_doc, metadata = (m.find(id_) for m in self.maps)
                if vector or ref_doc or metadata:
                    line: dict[str, Any] = {"id": decoded(segment.file, id_), "vector": None, "nearest": None}
                    line |= {"norm": None, "ref_doc": None, "metadata": None}
                    if vector:
                        plane, row = vector[0].planes[0], vector[2]
                        line["vector"] = [f"{bits_of(x):016x}" for x, _ in plane.components(row)]
                        line["nearest"] = [f"{f32_bits(f):08x}" for f in plane.nearest(row)]
                        norm = plane.norms[row]
                        line["norm"] = "NaN" if norm != norm else f"{bits_of(norm):016x}"
                    if ref_doc:
                        line["ref_doc"] = ref_doc[0].columns.ref_doc(ref_doc[2])
                    if metadata:
                        line["metadata"] = metadata[0].columns.metadata(metadata[2])
                    yield line


class RecordStore:
    """A store of records in one or more segments, oldest first."""

    def __init__(self, segments: list[RecordSegment]) -> None:
        self.segments, self.newest = segments, segments[-1]
        self.groups: dict[NamePath, Merged] = {}
        for segment in segments:
            for number, path in enumerate(segment.paths):
                self.groups.setdefault(path, Merged()).parts.append((segment, number))

    def print(self, write: Write) -> None:
        members = self.newest.meta.members
        print_members(self.newest.styles[0], members, self._print_member, write)

    def _print_member(self, member: SimpleNamespace, out: Out) -> None:
        self.print_collection(self.newest, member.collection, out, 1)

    def print_collection(self, segment: RecordSegment, number: int, out: Out, depth: int) -> None:
        """A collection that stands at `depth`, with what belongs to it in other segments."""
        keyed, group = segment.collections[number].keyed, self.groups[segment.paths[number]]
        for owner, its_number, entry in out.children(b"{}" if keyed else b"[]", depth + 1, group.live()):
            owner.file.need(owner.maps[its_number].keyed == keyed, "collections that belong together differ in keys")
            rec = Record(owner, its_number, entry)
            if keyed:
                out.key(owner.file, owner.ids.id(rec.own), rec.key)
            rec.print(out, depth + 1, self)

    def values(self) -> Iterator[dict[str, Any]]:
        """Every live record."""
        for path, group in self.groups.items():
            shown = [decoded(self.newest.file, name) for name in path]
            for segment, number, entry in group.live():
                rec = Record(segment, number, entry)
                line: dict[str, Any] = {"collection": shown, "key": None}
                if rec.own is not None:
                    line["key"] = segment.ids.text(rec.own)
                    found = group.find(segment.ids.id(rec.own))
                    segment.file.need(found is not None, f"{line['key']!r} is not found in {shown}")
                    line["get"] = printed(Record(*found), self.newest.styles[0], self)
                line["text"] = printed(rec, segment.style_of(number), None)
                yield line


def printed(rec: Record, style: Style, store: RecordStore | None) -> str:
    """A record printed by itself or, without a store, expanded."""
    text = bytearray()
    rec.print(Out(style, text.extend, expanding=store is None), 0, store)
    return text.decode()


# ---- 9. Styles, strings, numbers --------------------------------------------

FROM_DEL_ON = re.compile("[^\x00-\x7e]+")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


class Style:
    """How a text is laid out."""

    def __init__(self, file: Container, meta: SimpleNamespace) -> None:
        self.bom, self.lead, self.tail = b"\xef\xbb\xbf" if meta.bom else b"", meta.lead, meta.tail
        self.newline = {None: b"", "Lf": b"\n", "CrLf": b"\r\n"}[meta.indent and meta.indent.newline]
        self.unit = meta.indent.unit if meta.indent else b""
        pieces = [meta.before_colon, meta.after_colon, meta.before_comma, meta.after_comma]
        for piece in (self.lead, self.tail, self.unit, *pieces):
            file.need(len(piece) <= 64 and not piece.strip(b" \t\n\r"), f"a style has {piece!r} as white space")
        self.colon = meta.before_colon + b":" + meta.after_colon
        self.comma = meta.before_comma + b"," + meta.after_comma
        compact = meta.indent is None and not any(pieces)
        self.ascii = not compact if meta.escapes is None else meta.escapes == "Ascii"
        self.numbers = meta.numbers or ("Ryu" if compact and not self.ascii else "Python")

    def string(self, text: str) -> bytes:
        """Encodes a string."""
        if self.ascii:
            return json.dumps(text).encode()
        return LONE_SURROGATE.sub(escaped, json.dumps(text, ensure_ascii=False)).encode()

    def token(self, token: bytes) -> bytes:
        """Encodes a token in normal form."""
        return FROM_DEL_ON.sub(escaped, token.decode()).encode() if self.ascii else token


class Expanding(Style):
    """7.4: normal form, but for the layout of numbers."""

    def __init__(self, style: Style) -> None:
        self.bom = self.lead = self.tail = self.newline = self.unit = b""
        self.colon, self.comma, self.ascii, self.numbers = b":", b",", False, style.numbers


class Out:
    """Writes JSON text in a style, or what it expands to."""

    def __init__(self, style: Style, write: Write, expanding: bool = False) -> None:
        self.style, self.write, self.expanding = Expanding(style) if expanding else style, write, expanding
        self.numbers = style.numbers

    def inside(self, style: Style) -> Out:
        """Writes the content of a string of this text."""
        if self.expanding:
            return Out(style, self.write, expanding=True)
        return Out(style, lambda piece: self.write(self.style.string(piece.decode())[1:-1]))

    def quote(self) -> None:
        """Before and after the content of a string."""
        if not self.expanding:
            self.write(b'"')

    def begin(self) -> None:
        self.write(self.style.bom + self.style.lead)

    def end(self) -> None:
        self.write(self.style.tail)

    def string(self, text: str) -> None:
        self.write(self.style.string(text))

    def token(self, token: bytes) -> None:
        self.write(self.style.token(token))

    def colon(self) -> None:
        self.write(self.style.colon)

    def key(self, file: Container, id_: bytes, token: bytes | None) -> None:
        """A key with its colon; it may have been kept as it was written."""
        if token is None:
            self.string(decoded(file, id_))
        else:
            try:
                right = json.loads(token).encode("utf-8", "surrogatepass") == id_
            except (ValueError, AttributeError):
                right = False
            file.need(right, f"{token!r} does not stand for {id_!r}")
            self.write(token)
        self.colon()

    def value(self, file: Container, text: str, depth: int) -> None:
        """A value in normal form."""
        PackedText(file, text.encode()).print(self, depth)

    def line(self, depth: int) -> bytes:
        return self.style.newline + depth * self.style.unit

    def open(self, bracket: int, depth: int) -> None:
        self.write(bytes([bracket]) + self.line(depth))

    def comma(self, depth: int) -> None:
        self.write(self.style.comma + self.line(depth))

    def close(self, bracket: int, depth: int) -> None:
        self.write(self.line(depth - 1) + bytes([bracket]))

    def children(self, brackets: bytes, depth: int, children: Iterable[Any]) -> Iterator[Any]:
        """A container: yields each child, at whose depth `depth` the caller writes it."""
        empty = True
        for child in children:
            self.open(brackets[0], depth) if empty else self.comma(depth)
            empty = False
            yield child
        self.write(brackets) if empty else self.close(brackets[1], depth)


def f32_bits(value: float) -> int:
    """The nearest f32."""
    try:
        packed = struct.pack("<f", value if value == value else math.nan)
    except OverflowError:
        packed = struct.pack("<f", math.copysign(math.inf, value))
    return int.from_bytes(packed, "little")


def f64_digits(value: float) -> tuple[str, int]:
    """The shortest digits of a value that is not negative, and the exponent of the first."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    e = len(whole) - 1 - (len(whole + fraction) - len(digits)) + int(exponent or 0)
    digits = digits.rstrip("0")
    return digits, e if digits else 0


def reads_as_f32(digits: str, e: int, wanted: float) -> bool:
    """Whether the decimal is nearest to that f32, ties to even."""
    value = float(f"{digits}e{e - len(digits) + 1}")
    if bits_of(value) & 0x1FFFFFFF == 0x10000000:  # half way between two f32: what was rounded away decides
        exact = Fraction(int(digits)) * Fraction(10) ** (e - len(digits) + 1)
        if exact != value:
            value = math.nextafter(value, math.inf if exact > value else 0)
    return f32_bits(value) == f32_bits(wanted)


def f32_digits(value: float) -> tuple[str, int]:
    """As `f64_digits`, of a value that is an f32."""
    if value == 0:
        return "", 0
    power_of_two = math.frexp(value)[0] == 0.5  # its neighbour below is nearer than the one above
    for length in range(1, 10):
        mantissa, _, exponent = f"{value:.{length - 1}e}".partition("e")
        digits, e = mantissa.replace(".", ""), int(exponent)
        if reads_as_f32(digits, e, value):
            return digits.rstrip("0"), e
        if power_of_two and Fraction(f"{mantissa}e{e}") < value:
            above = str(int(digits) + 1)
            e += len(above) - length
            if reads_as_f32(above, e, value):
                return above.rstrip("0"), e
    raise AssertionError("nine digits are enough for an f32")


FIXED_NOTATION = {"Python": (-4, 16), "Ryu": (-5, 16), "JavaScript": (-6, 21)}


def laid_out(number: Digits, layout: str) -> bytes:
    """The text of a number."""
    negative, digits, e = number
    sign, n, whole_end = "-" if negative else "", len(digits), "" if layout == "JavaScript" else ".0"
    low, high = FIXED_NOTATION[layout]
    if n == 0:
        text = "0" if layout == "JavaScript" else sign + "0.0"
    elif not low <= e < high:
        exponent = f"{e:+03d}" if layout == "Python" else f"{e:+d}"
        text = f"{sign}{digits[0]}{'.' if n > 1 else ''}{digits[1:]}e{exponent}"
    elif e < 0:
        text = f"{sign}0.{'0' * (-e - 1)}{digits}"
    elif e >= n - 1:
        text = f"{sign}{digits}{'0' * (e - n + 1)}{whole_end}"
    else:
        text = f"{sign}{digits[: e + 1]}.{digits[e + 1 :]}"
    return text.encode()


# ---- 10. Verbatim segments --------------------------------------------------


class VerbatimSegment:
    """A file as it is."""

    def __init__(self, file: Container) -> None:
        self.file, self.meta = file, file.structured("META", "VerbatimMeta")
        self.pieces = Heap(Blocks(file), self.meta.pieces)
        file.need(self.pieces.items == -(-self.meta.length // MIB), "another number of pieces than the length says")
        file.finish()

    def print(self, write: Write) -> None:
        state, left = xxhash.xxh3_128(), self.meta.length
        for n in range(self.pieces.items):
            piece = self.pieces.item(n)
            self.file.need(len(piece) == min(left, MIB), f"piece {n} has another length than called for")
            left -= len(piece)
            state.update(piece)
            write(piece)
        right = state.intdigest().to_bytes(16, "little") == self.meta.hash
        self.file.need(left == 0 and right, "the pieces give another hash")


# ---- 11. Manifest -----------------------------------------------------------


class Store:
    """A store of the manifest, with its segments open."""

    def __init__(self, twin: Path, meta: SimpleNamespace) -> None:
        self.meta = meta
        self.verbatim = VerbatimSegment(self._open(twin, meta.verbatim)) if meta.verbatim else None
        segments: dict[bytes, Any] = {}
        for ref in meta.segments:
            file = self._open(twin, ref)
            if ref.name.kind == "Tombstones":
                bury(file, segments)
            else:
                segments[file.root] = (VectorSegment if ref.name.kind == "Vectors" else RecordSegment)(file)
        self.segments = list(segments.values())
        self.content: VectorStore | RecordStore | None = None
        if self.segments:
            is_vectors = isinstance(self.segments[0], VectorSegment)
            self.content = VectorStore(self.segments) if is_vectors else RecordStore(self.segments)

    @staticmethod
    def _open(twin: Path, ref: SimpleNamespace) -> Container:
        name = {"Vectors": "vec", "Records": "rec", "Verbatim": "raw", "Tombstones": "del"}[ref.name.kind]
        path = twin / f"{name}-{ref.name.number:016x}.seg"
        return Container(path, name.upper().encode(), ref.length, ref.root)

    def print(self, write: Write) -> None:
        (self.verbatim or self.content).print(write)

    def check(self) -> None:
        """What printing does not look at."""
        for segment in self.segments:
            segment.ids.check()
            for plane in segment.planes:
                plane.check()
            if isinstance(segment, VectorSegment) and segment.sketch:
                segment.sketch.check()
            if isinstance(segment, RecordSegment):
                segment.check()

    def compare(self, path: Path) -> None:
        """Prints the store against its JSON file."""
        text, at = path.read_bytes(), 0

        def write(piece: bytes) -> None:
            nonlocal at
            if text[at : at + len(piece)] != piece:
                raise Refused(f"{path}: {text[at : at + len(piece)]!r} from byte {at} on, not {piece!r}")
            at += len(piece)

        self.print(write)
        if at != len(text):
            raise Refused(f"{path}: goes on after byte {at}")
        packed = self.meta.packed
        if packed is not None and packed.generation >= self.meta.changed and fingerprint(text) != packed.text:
            raise Refused(f"{path}: has another fingerprint than the manifest says")


class Twin:
    """The newest generation of a persist directory's twin."""

    def __init__(self, persist: Path) -> None:
        twin = persist / "twin"
        found = (re.fullmatch(r"manifest-([0-9]{10,})", path.name) for path in twin.iterdir())
        numbers = (int(name[1]) for name in found if name and name[1] == f"{int(name[1]):010d}")
        generation = max(numbers, default=0)
        if generation == 0:
            raise Refused(f"{twin}: holds no manifest")
        file = Container(twin / f"manifest-{generation:010d}", b"MAN")
        self.manifest = file.structured("META", "Manifest")
        file.finish()
        self._check(file, generation)
        self.stores = {store.file: Store(twin, store) for store in self.manifest.stores}

    def _check(self, file: Container, generation: int) -> None:
        m, need = self.manifest, file.need
        need(m.generation == generation and m.parent < generation, "has an impossible generation or parent")
        need(len({s.file for s in m.stores}) == len(m.stores), "has a store twice")
        refs = []
        for s in m.stores:
            named = s.file not in ("", ".", "..", "twin") and not set(s.file) & set("/\\\0")
            need(named, f"{s.file!r} is no store's name")
            generations = [s.changed] + ([s.packed.generation] if s.packed else [])
            need(all(1 <= g <= generation for g in generations), f"{s.file}: impossible generations")
            kinds = [ref.name.kind for ref in s.segments]
            body = set(kinds[:-1] if kinds[-1:] == ["Tombstones"] else kinds)
            right = body in ({"Vectors"}, {"Records"}) or (not kinds and s.verbatim is not None)
            right = right and (s.verbatim is None or s.verbatim.name.kind == "Verbatim")
            need(right, f"{s.file}: impossible segments {kinds}")
            refs += [(ref.name.kind, ref.name.number) for ref in [*s.segments, *([s.verbatim] if s.verbatim else [])]]
        need(len(set(refs)) == len(refs), "names a segment twice")


# ---- 12. Fingerprints -------------------------------------------------------


def fingerprint(text: bytes) -> SimpleNamespace:
    n = len(text)
    bounds = [(n * i // 16, n * (i + 1) // 16) for i in range(16)]
    if n > MIB:
        bounds = [((n - BLOCK) * i // 15, (n - BLOCK) * i // 15 + BLOCK) for i in range(16)]
    samples = [xxhash.xxh3_64_intdigest(text[start:end]) for start, end in bounds]
    hash_ = xxhash.xxh3_128_intdigest(text).to_bytes(16, "little")
    return SimpleNamespace(samples=SimpleNamespace(length=n, hashes=samples), hash=hash_)


def main() -> int:
    parser = argparse.ArgumentParser(description="Reads a twin, independently of twinstore.")
    parser.add_argument("dir", type=Path)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", metavar="FILE", help="write the JSON text of a store to stdout")
    what.add_argument("--compare", action="store_true", help="compare every store with its JSON file")
    what.add_argument("--values", action="store_true", help="write one JSON line for every value to stdout")
    args = parser.parse_args()
    write = sys.stdout.buffer.write
    try:
        twin = Twin(args.dir)
        for name, store in twin.stores.items():
            if args.compare:
                store.compare(args.dir / name)
                store.check()
                write(f"{name}: the same\n".encode())
            elif args.values:
                for line in store.content.values() if store.content else ():
                    text = json.dumps({"store": name, **line}, ensure_ascii=False)
                    write(text.encode("utf-8", "surrogatepass") + b"\n")
                store.check()
            elif name == args.print:
                store.print(write)
        if args.print not in (None, *twin.stores):
            raise Refused(f"{args.print}: is not in the twin")
    except (Refused, OSError, ValueError, zstandard.ZstdError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
