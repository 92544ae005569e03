"""What the scripts share that try twinstore on file systems which fail."""

import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

TIMEOUT = 60
DOCUMENTS, NODES, DIM = 40, 4, 48
SIZE = 320 << 20
FILE_SYSTEMS = {
    # Without its safety net for programs that forget to sync.
    "ext4": (["mkfs.ext4", "-q", "-F"], "loop,noauto_da_alloc"),
    "xfs": (["mkfs.xfs", "-q", "-f"], "loop"),
}


class Broken(Exception):
    """What must hold did not."""


class Skipped(Exception):
    """This system cannot run it."""


class Disk:
    """A file system in a file."""

    def __init__(self, kind: str, work: Path) -> None:
        self.image = work / f"{kind}.img"
        self.mount_point = work / kind
        self.make, self.options = FILE_SYSTEMS[kind]
        self.kind = kind
        self.is_mounted = False
        self.mount_point.mkdir()

    def format(self) -> None:
        if shutil.which(self.make[0]) is None:
            raise Skipped(f"there is no {self.make[0]}")
        with open(self.image, "wb") as file:
            file.truncate(SIZE)
        subprocess.run([*self.make, self.image], check=True, stdout=subprocess.DEVNULL)

    def mount(self) -> None:
        command = ["mount", "-o", self.options, "-t", self.kind, self.image, self.mount_point]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Skipped(f"cannot mount {self.kind}: {done.stderr.strip()}")
        self.is_mounted = True

    def unmount(self) -> None:
        # Somebody may still be about to close a file.
        for _ in range(100):
            if subprocess.run(["umount", self.mount_point], capture_output=True).returncode == 0:
                self.is_mounted = False
                return
            time.sleep(0.02)
        raise Skipped(f"cannot unmount {self.mount_point}")

    def remount(self, options: str) -> bool:
        command = ["mount", "-o", f"remount,{options}", self.mount_point]
        return subprocess.run(command, capture_output=True).returncode == 0


class Twinstore:
    """The command, on one directory."""

    def __init__(self, binary: Path, directory: Path) -> None:
        self.binary, self.dir = binary, directory

    def run(self, command: str, *args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.binary, command, self.dir, *args], capture_output=True, text=True, timeout=TIMEOUT
        )

    def must(self, command: str, *args: str) -> str:
        done = self.run(command, *args)
        if done.returncode != 0:
            raise Broken(f"{command} {' '.join(args)}: status {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def documents(self) -> set[str]:
        listed = self.must("ls", "docstore", "--collection", "docstore/ref_doc_info")
        return set(listed.split())


def stores(version: int) -> dict[str, str]:
    """The files of an index of some documents, as LlamaIndex persists it."""
    chance = random.Random(version)
    documents = {f"document-{n}": [f"node-{n}-{k}" for k in range(NODES)] for n in range(DOCUMENTS)}
    nodes = {node: document for document, of in documents.items() for node in of}

    def data(node: str, document: str) -> dict[str, object]:
        text = f"version {version} " + " ".join(chance.choice("lorem ipsum dolor sit amet".split()) for _ in range(60))
        source = {"node_id": document, "node_type": "4", "metadata": {}, "hash": "0" * 64}
        return {"__data__": {"id_": node, "text": text, "relationships": {"1": source}}, "__type__": "1"}

    struct_data = {"index_id": "vector", "nodes_dict": {node: node for node in nodes}, "doc_id_dict": {}}
    files = {
        "docstore.json": {
            "docstore/metadata": {node: {"doc_hash": "0" * 64, "ref_doc_id": d} for node, d in nodes.items()},
            "docstore/data": {node: data(node, document) for node, document in nodes.items()},
            "docstore/ref_doc_info": {d: {"node_ids": of, "metadata": {}} for d, of in documents.items()},
        },
        "default__vector_store.json": {
            "embedding_dict": {node: [chance.uniform(-1, 1) for _ in range(DIM)] for node in nodes},
            "text_id_to_ref_doc_id": nodes,
            "metadata_dict": {node: {"page": n % 7} for n, node in enumerate(nodes)},
        },
        "index_store.json": {
            "index_store/data": {"vector": {"__type__": "vector_store", "__data__": json.dumps(struct_data)}}
        },
    }
    return {name: json.dumps(content) for name, content in files.items()}


def write_durably(path: Path, text: str) -> None:
    """Replaces a file so that it is whole whatever happens."""
    temp = path.with_name(path.name + ".new")
    with open(temp, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temp, path)
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def start(twin: Twinstore) -> None:
    twin.dir.mkdir()
    for name, text in stores(0).items():
        write_durably(twin.dir / name, text)
    twin.must("pack")
    handle = os.open(twin.dir.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)
