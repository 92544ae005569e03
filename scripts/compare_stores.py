"""The stores that `scripts/compare` measures.

A store is built from what `made_data.make` made, and does what its users do: `load` its
modules, `open`, `query` for ids, `get` a node by its id. Stores that hold vectors only have
their ids and nodes in SQLite, as their users do. What a process needs to import is a part of
what it is measured by, so this module imports next to nothing by itself.
"""

from __future__ import annotations

import json
import os


class Store:
    """One way to keep an index."""

    name = ""
    # What has to be installed, as it is called by `import`.
    module = ""
    # Whether it is one to compare with only where documents are got.
    documents_only = False
    # Whether its own files hold the nodes, or SQLite does.
    holds_nodes = True
    exact = True
    # The store whose files it reads.
    built_by = ""

    def __init__(self, data: str) -> None:
        self.data = data
        self.dir = f"{data}/stores/{self.built_by or self.name}"

    def paths(self) -> list[str]:
        """What is on disk of it."""
        return [self.dir] if self.holds_nodes else [self.dir, f"{self.data}/stores/sqlite"]

    def load(self) -> None:
        __import__(self.module)

    def prepare(self, query: list[float]):
        """A query as this engine takes it. That is not measured."""
        import numpy as np

        return np.array(query, dtype=np.float32)

    def build(self) -> None:
        """Writes its files, unless others do."""

    def open(self) -> None:
        raise NotImplementedError

    def query(self, query) -> list[str]:
        """The ids of the ten nearest, best first."""
        raise NotImplementedError

    def get(self, id: str) -> dict:
        """A node."""
        raise NotImplementedError

    def vectors(self):
        import numpy as np

        return np.load(f"{self.data}/vectors.npy")

    def nodes(self) -> dict[str, dict]:
        with open(f"{self.data}/storage/docstore.json", encoding="utf-8") as file:
            return json.load(file)["docstore/data"]


class Twinstore(Store):
    name = "twinstore"
    module = "twinstore"

    def paths(self) -> list[str]:
        return [f"{self.data}/storage/twin"]

    def prepare(self, query: list[float]):
        return query

    def build(self) -> None:
        import twinstore

        twinstore.pack(f"{self.data}/storage")

    def open(self) -> None:
        import twinstore

        self.twin = twinstore.open(f"{self.data}/storage")
        self.nodes_by_id = self.twin.docstore

    def query(self, query) -> list[str]:
        return [hit.id for hit in self.twin.query(query, top_k=10)]

    def get(self, id: str) -> dict:
        return self.nodes_by_id[id]["__data__"]


class LlamaIndex(Store):
    """`StorageContext.from_defaults`, on the JSON."""

    name = "LlamaIndex"
    module = "llama_index.core"

    def paths(self) -> list[str]:
        storage = f"{self.data}/storage"
        return [f"{storage}/{name}" for name in os.listdir(storage) if name.endswith(".json")]

    def load(self) -> None:
        from llama_index.core import StorageContext
        from llama_index.core.vector_stores.types import VectorStoreQuery

        self.context_class, self.ask = StorageContext, VectorStoreQuery

    def prepare(self, query: list[float]):
        return self.ask(query_embedding=query, similarity_top_k=10)

    def open(self) -> None:
        self.context = self.context_class.from_defaults(persist_dir=f"{self.data}/storage")

    def query(self, query) -> list[str]:
        return self.context.vector_store.query(query).ids

    def get(self, id: str) -> dict:
        return self.context.docstore.get_document(id).to_dict()


class TwinstoreLlamaIndex(LlamaIndex):
    """The same with one import changed."""

    name = "twinstore under LlamaIndex"
    module = "twinstore.llama_index"
    built_by = "twinstore"

    def paths(self) -> list[str]:
        return Twinstore(self.data).paths()

    def load(self) -> None:
        super().load()
        from twinstore.llama_index import StorageContext

        self.context_class = StorageContext


class Sqlite(Store):
    """Ids and nodes by themselves, uncompressed."""

    name = "sqlite"
    module = "sqlite3"
    documents_only = True

    def build(self) -> None:
        import sqlite3

        db = sqlite3.connect(f"{self.dir}/nodes.db")
        db.execute("create table nodes(id text, node text)")
        rows = ((id, json.dumps(node["__data__"])) for id, node in self.nodes().items())
        db.executemany("insert into nodes values(?, ?)", rows)
        db.execute("create unique index by_id on nodes(id)")
        db.commit()
        db.close()

    def open(self) -> None:
        import sqlite3

        self.db = sqlite3.connect(f"{self.data}/stores/sqlite/nodes.db")

    def get(self, id: str) -> dict:
        return json.loads(self.db.execute("select node from nodes where id=?", (id,)).fetchone()[0])

    def ids_of(self, rows) -> list[str]:
        one = "select id from nodes where rowid=?"
        return [self.db.execute(one, (int(row) + 1,)).fetchone()[0] for row in rows]


class Lmdb(Store):
    """Nodes by themselves, uncompressed."""

    name = "lmdb"
    module = "lmdb"
    documents_only = True

    def build(self) -> None:
        import lmdb

        environment = lmdb.open(self.dir, map_size=1 << 36)
        with environment.begin(write=True) as transaction:
            for id, node in self.nodes().items():
                transaction.put(id.encode(), json.dumps(node["__data__"]).encode())
        environment.close()

    def open(self) -> None:
        import lmdb

        self.reader = lmdb.open(self.dir, map_size=1 << 36, readonly=True, lock=False).begin()

    def get(self, id: str) -> dict:
        return json.loads(self.reader.get(id.encode()))


class WithSqlite(Sqlite):
    """Vectors in an engine that numbers them; ids and nodes in SQLite."""

    documents_only = False
    holds_nodes = False

    def load(self) -> None:
        import sqlite3  # noqa: F401

        __import__(self.module)


class Numpy(WithSqlite):
    """A memory-mapped array and a dot product: the vectors are of length one."""

    name = "numpy memmap"
    module = "numpy"

    def build(self) -> None:
        import numpy as np

        np.save(f"{self.dir}/vectors.npy", self.vectors())

    def open(self) -> None:
        import numpy as np

        self.matrix = np.load(f"{self.dir}/vectors.npy", mmap_mode="r")
        super().open()

    def query(self, query) -> list[str]:
        import numpy as np

        scores = np.dot(self.matrix, query)
        best = np.argpartition(-scores, 10)[:10]
        return self.ids_of(best[np.argsort(-scores[best])])


class Faiss(WithSqlite):
    name = "faiss flat"
    module = "faiss"

    def build(self) -> None:
        import faiss

        vectors = self.vectors()
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        faiss.write_index(index, f"{self.dir}/index.faiss")

    def open(self) -> None:
        import faiss

        self.index = faiss.read_index(f"{self.dir}/index.faiss", faiss.IO_FLAG_MMAP_IFC)
        super().open()

    def query(self, query) -> list[str]:
        return self.ids_of(self.index.search(query[None], 10)[1][0])


class UsearchHnsw(WithSqlite):
    name = "usearch HNSW"
    module = "usearch.index"
    exact = False

    def build(self) -> None:
        import numpy as np
        from usearch.index import Index

        vectors = self.vectors()
        index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32")
        index.add(np.arange(len(vectors)), vectors)
        index.save(f"{self.dir}/index.usearch")

    def open(self) -> None:
        from usearch.index import Index

        self.index = Index.restore(f"{self.dir}/index.usearch", view=True)
        super().open()

    def query(self, query) -> list[str]:
        return self.ids_of(self.index.search(query, 10, exact=self.exact).keys)


class UsearchExact(UsearchHnsw):
    name = "usearch exact"
    exact = True
    built_by = "usearch HNSW"

    def build(self) -> None:
        """Its files are those of HNSW."""


class Hnswlib(WithSqlite):
    name = "hnswlib"
    module = "hnswlib"
    exact = False

    def build(self) -> None:
        import hnswlib

        vectors = self.vectors()
        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
        index.add_items(vectors)
        index.save_index(f"{self.dir}/index.hnsw")
        with open(f"{self.dir}/dim", "w", encoding="ascii") as file:
            file.write(str(vectors.shape[1]))

    def open(self) -> None:
        import hnswlib

        with open(f"{self.dir}/dim", encoding="ascii") as file:
            self.index = hnswlib.Index(space="ip", dim=int(file.read()))
        self.index.load_index(f"{self.dir}/index.hnsw")
        self.index.set_ef(64)
        super().open()

    def query(self, query) -> list[str]:
        return self.ids_of(self.index.knn_query(query, k=10)[0][0])


class SqliteVec(Sqlite):
    name = "sqlite-vec"
    module = "sqlite_vec"
    documents_only = False

    def prepare(self, query: list[float]):
        from array import array

        return array("f", query)

    def connect(self):
        # That of Python may be built without extensions.
        import pysqlite3
        import sqlite_vec

        db = pysqlite3.connect(f"{self.dir}/index.db")
        db.enable_load_extension(True)
        sqlite_vec.load(db)
        return db

    def load(self) -> None:
        import pysqlite3  # noqa: F401
        import sqlite_vec  # noqa: F401

    def build(self) -> None:
        db, vectors = self.connect(), self.vectors()
        db.execute(f"create virtual table vectors using vec0(it float[{vectors.shape[1]}] distance_metric=cosine)")
        db.execute("create table nodes(id text, node text)")
        rows = ((n + 1, vector.tobytes()) for n, vector in enumerate(vectors))
        db.executemany("insert into vectors(rowid, it) values(?, ?)", rows)
        rows = ((id, json.dumps(node["__data__"])) for id, node in self.nodes().items())
        db.executemany("insert into nodes values(?, ?)", rows)
        db.execute("create unique index by_id on nodes(id)")
        db.commit()
        db.close()

    def open(self) -> None:
        self.db = self.connect()

    def query(self, query) -> list[str]:
        found = self.db.execute("select rowid from vectors where it match ? and k=10", (query.tobytes(),))
        return self.ids_of(row[0] - 1 for row in found.fetchall())


class Lance(Store):
    name = "Lance"
    module = "lance"

    def build(self) -> None:
        import lance
        import pyarrow as pa

        vectors, nodes = self.vectors(), self.nodes()
        columns = {
            "id": list(nodes),
            "node": [json.dumps(node["__data__"]) for node in nodes.values()],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
        }
        lance.write_dataset(pa.table(columns), f"{self.dir}/index.lance", mode="overwrite")

    def open(self) -> None:
        import lance

        self.table = lance.dataset(f"{self.dir}/index.lance")

    def query(self, query) -> list[str]:
        nearest = {"column": "vector", "q": query, "k": 10, "metric": "dot"}
        return self.table.to_table(columns=["id", "_distance"], nearest=nearest)["id"].to_pylist()

    def get(self, id: str) -> dict:
        return json.loads(self.table.to_table(columns=["node"], filter=f"id='{id}'")["node"][0].as_py())


STORES: list[type[Store]] = [Twinstore, TwinstoreLlamaIndex, LlamaIndex, Numpy, Faiss, UsearchExact, UsearchHnsw]
STORES += [Hnswlib, SqliteVec, Lance, Sqlite, Lmdb]
