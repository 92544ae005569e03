"""A ``TwinMapping`` is a dict, whatever is done to it and in whichever order."""

from __future__ import annotations

import copy
import json
import pickle
import random
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twinstore import pack
from twinstore._native import Context
from twinstore.llama_index._json import Unserialisable
from twinstore.llama_index._mapping import CHUNK, TwinMapping

KEYS = [f"key {n}" for n in range(12)] + ["", "ü\n", "\ud83d", "a" * 300]


def value_of(random: random.Random) -> dict[str, Any]:
    number = random.choice([0, 1, 1.0, True, None, 2**70, -0.0, 1e-7, "\ud83d", "ü"])
    return {"n": number, "list": [random.randrange(9) for _ in range(random.randrange(4))], "in": {"x": number}}


def text_of(mapping: Any) -> str:
    """Content, order and types: 1, 1.0 and True are not the same."""
    return json.dumps([[key, value] for key, value in mapping.items()])


def empty() -> TwinMapping[str, Any]:
    return TwinMapping(Context.empty().collection("docstore", "docstore/data"), owner="docstore/data")


def packed(directory: Path, records: dict[str, Any]) -> Context:
    directory.mkdir()
    (directory / "docstore.json").write_text(json.dumps({"docstore/data": records}))
    (directory / "index_store.json").write_text("{}")
    pack(directory)
    return Context.open(directory)


class History:
    """The same things done to a mapping and to a dict, at random."""

    def __init__(self, seed: int, mapping: TwinMapping[str, Any], model: dict[str, Any]) -> None:
        self.random = random.Random(seed)
        self.mapping, self.model = mapping, model
        # Values that somebody keeps, as the mapping and the dict handed them out.
        self.kept: list[tuple[Any, Any]] = []

    def step(self) -> None:
        steps = [self.put] * 5 + [self.delete] * 3 + [self.change] * 4 + [self.change_kept] * 2
        steps += [self.set_default, self.pop_last, self.update, self.look, self.walk, self.flush, self.keep]
        self.random.choice(steps)()
        if self.random.random() < 0.01:
            self.mapping.clear()
            self.model.clear()

    def key(self) -> str:
        return self.random.choice(KEYS)

    def put(self) -> None:
        key, value = self.key(), value_of(self.random)
        self.mapping[key], self.model[key] = copy.deepcopy(value), value

    def delete(self) -> None:
        key = self.key()
        assert self.mapping.pop(key, None) == self.model.pop(key, None)
        with pytest.raises(KeyError):
            del self.mapping[key]

    def change(self) -> None:
        key = self.key()
        if key in self.model:
            for one in (self.mapping[key], self.model[key]):
                one["list"].append(len(one["list"]))
                one["n"] = True if one["n"] == 1 and one["n"] is not True else 1

    def keep(self) -> None:
        key = self.key()
        if key in self.model:
            self.kept.append((self.mapping[key], self.model[key]))

    def change_kept(self) -> None:
        if self.kept:
            for one in self.random.choice(self.kept):
                one["in"]["x"] = len(self.kept)

    def set_default(self) -> None:
        key, value = self.key(), value_of(self.random)
        for one in (self.mapping.setdefault(key, copy.deepcopy(value)), self.model.setdefault(key, value)):
            one["list"].append("default")

    def pop_last(self) -> None:
        if self.model:
            assert self.mapping.popitem() == self.model.popitem()

    def update(self) -> None:
        values = {self.key(): value_of(self.random) for _ in range(3)}
        self.mapping.update(copy.deepcopy(values))
        self.model.update(values)

    def look(self) -> None:
        key = self.key()
        assert (key in self.mapping) == (key in self.model)
        assert json.dumps(self.mapping.peek(key)) == json.dumps(self.model.get(key))
        assert self.mapping.get(key) == self.model.get(key)
        assert list(reversed(self.mapping)) == list(reversed(self.model))
        assert list(self.mapping.keys()) == list(self.model)
        assert self.mapping == self.model and self.model == self.mapping
        assert self.mapping | {"a": 1} == self.model | {"a": 1}
        assert {"a": 1} | self.mapping == {"a": 1} | self.model

    def walk(self) -> None:
        for (key, mine), (also, theirs) in zip(self.mapping.items(), self.model.items(), strict=True):
            assert key == also
            if self.random.random() < 0.2:
                mine["in"]["x"] = theirs["in"]["x"] = "walked by"

    def flush(self) -> None:
        self.mapping.flush(keep=True)

    def check(self) -> None:
        assert len(self.mapping) == len(self.model)
        assert text_of(self.mapping) == text_of(self.model)


@pytest.mark.parametrize("seed", range(40))
def test_any_history_leaves_what_a_dict_has(seed: int) -> None:
    history = History(seed, empty(), {})
    for _ in range(250):
        history.step()
        history.check()
    history.mapping.flush()
    assert text_of(TwinMapping(history.mapping._base)) == text_of(history.model)


@pytest.mark.parametrize("seed", range(10))
def test_any_history_over_a_packed_file_is_there_after_a_commit(seed: int, tmp_path: Path) -> None:
    records = {key: value_of(random.Random(seed)) for key in KEYS}
    context = packed(tmp_path / "storage", records)
    mapping: TwinMapping[str, Any] = TwinMapping(context.collection("docstore", "docstore/data"))
    history = History(seed, mapping, records)
    for _ in range(100):
        history.step()
    history.mapping.flush()
    context.persist(tmp_path / "storage", json="always", allow_empty=True)
    reopened: TwinMapping[str, Any]
    reopened = TwinMapping(Context.open(tmp_path / "storage").collection("docstore", "docstore/data"))
    assert text_of(reopened) == text_of(history.model)
    assert json.loads((tmp_path / "storage/docstore.json").read_text())["docstore/data"] == json.loads(
        json.dumps(history.model)
    )


@pytest.fixture
def many(tmp_path: Path) -> Iterator[tuple[Context, TwinMapping[str, Any]]]:
    """A mapping over more records than are read at a time."""
    context = packed(tmp_path / "storage", {f"n{n}": {"n": n, "text": "word " * 20} for n in range(3 * CHUNK)})
    yield context, TwinMapping(context.collection("docstore", "docstore/data"), owner="docstore/data")


def test_looking_changes_nothing(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    context, mapping = many
    for value in mapping.values():
        assert value["text"]
    _ = mapping["n1"], mapping.copy(), mapping == {}, repr(mapping), list(mapping)
    assert mapping.changes() == (set(), {})
    mapping.flush()
    assert not context.has_changes()


def test_one_that_becomes_true_is_a_change(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    _, mapping = many
    mapping["n1"]["n"] = True
    assert list(mapping.changes()[1]) == ["n1"]


def test_a_walk_sees_what_is_changed_before_it_gets_there(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    _, mapping = many
    seen = []
    for key, value in mapping.items():
        if key == "n0":
            mapping["n1"] = {"n": "replaced"}
            mapping["n2"]["n"] = "changed"
            del mapping["n3"]
            del mapping[f"n{2 * CHUNK}"]
        seen.append(value["n"])
    assert seen == [0, "replaced", "changed", *(n for n in range(4, 3 * CHUNK) if n != 2 * CHUNK)]


def test_pairs_for_reading_keep_nothing(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    _, mapping = many
    tracemalloc.start()
    parsed = dict(mapping.pairs(hold=False))
    size, _ = tracemalloc.get_traced_memory()
    del parsed
    rest, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 500_000 and rest < 0.05 * size


def test_a_key_that_the_file_repeats_is_there_once(tmp_path: Path) -> None:
    context = packed(tmp_path / "first", {})
    (tmp_path / "first/docstore.json").write_text('{"docstore/data": {"a": {"n": 1}, "b": {}, "a": {"n": 2}}}')
    pack(tmp_path / "first")
    context = Context.open(tmp_path / "first")
    mapping: TwinMapping[str, Any] = TwinMapping(context.collection("docstore", "docstore/data"))
    assert list(mapping.items()) == [("a", {"n": 2}), ("b", {})]
    assert len(mapping) == 2


def test_a_value_that_json_cannot_carry_is_named_and_nothing_is_written() -> None:
    mapping = empty()
    mapping["good"] = {"n": 1}
    mapping["bad"] = {"__data__": {"metadata": {"tags": ["a", {"deep": {1}}]}}}
    for attempt in (mapping.check, mapping.flush, mapping.changes):
        with pytest.raises(Unserialisable, match=r"^node 'bad': metadata\['tags'\]\[1\]\['deep'\]: .*set") as caught:
            attempt()
    assert (caught.value.key, caught.value.path[-1]) == ("bad", "deep")
    assert len(mapping._base) == 0
    del mapping["bad"]
    mapping.flush()
    assert list(mapping._base.keys()) == ["good"]


def test_a_value_that_was_read_and_spoilt_is_named_too(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    _, mapping = many
    mapping["n1"]["when"] = object()
    with pytest.raises(Unserialisable, match=r"^docstore/data 'n1': when: .*object"):
        mapping.flush()
    del mapping["n1"]["when"]
    mapping.flush()


def test_a_key_of_a_dict_that_json_cannot_carry_is_named() -> None:
    mapping = empty()
    mapping["bad"] = {"metadata": {("a", "b"): 1}}
    with pytest.raises(Unserialisable, match=r"^docstore/data 'bad': metadata: keys must be .* not tuple"):
        mapping.check()


def test_a_circle_is_the_error_that_json_has_for_it() -> None:
    mapping = empty()
    mapping["bad"] = circle = {}
    circle["itself"] = circle  # type: ignore[assignment]
    with pytest.raises(ValueError, match="Circular reference"):
        mapping.flush()


def test_a_key_is_a_string() -> None:
    mapping = empty()
    with pytest.raises(TypeError, match="a str, not int"):
        mapping[1] = {}  # type: ignore[index]
    assert 1 not in mapping
    assert mapping.get(1) is None  # type: ignore[call-overload]


def test_a_copy_is_a_dict_without_a_twin(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    _, mapping = many
    mapping["new"] = {"list": [1]}
    for made in (pickle.loads(pickle.dumps(mapping)), copy.deepcopy(mapping), copy.copy(mapping), mapping.copy()):
        assert type(made) is dict
        assert made == mapping
    copy.deepcopy(mapping)["new"]["list"].append(2)
    assert mapping["new"] == {"list": [1]}


def test_threads_get_the_same_value_of_a_key(many: tuple[Context, TwinMapping[str, Any]]) -> None:
    _, mapping = many
    barrier, got = threading.Barrier(8), []

    def look() -> None:
        barrier.wait()
        got.append([mapping[f"n{n}"] for n in range(200)])

    run_together([look] * 8)
    for values in got:
        assert all(mine is first for mine, first in zip(values, got[0], strict=True))


def test_what_is_put_while_another_thread_flushes_is_not_lost() -> None:
    mapping, wanted = empty(), 400
    done = threading.Event()

    def put(name: str) -> None:
        for n in range(wanted):
            mapping[f"{name}{n}"] = {"n": n}
            if n % 3 == 0:
                del mapping[f"{name}{n}"]

    def flush() -> None:
        while not done.is_set():
            mapping.flush()

    flusher = threading.Thread(target=flush)
    flusher.start()
    run_together([lambda name=name: put(name) for name in "abc"])
    done.set()
    flusher.join()
    mapping.flush()
    assert {key for key in mapping} == {f"{name}{n}" for name in "abc" for n in range(wanted) if n % 3}
    assert len(mapping) == len(mapping._base) == len(list(mapping))


def run_together(targets: list[Any]) -> None:
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
