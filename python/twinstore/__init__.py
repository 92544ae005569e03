"""A compact, checksummed binary twin beside the JSON that LlamaIndex persists.

``twinstore.llama_index`` has LlamaIndex's classes on the twin. What is here needs neither
LlamaIndex nor numpy (but for arrays): ``pack`` makes the twin of a persist directory,
``open`` opens it.

    >>> import twinstore
    >>> twinstore.pack("storage", progress=True)
    >>> twin = twinstore.open("storage")
    >>> twin.query(twin.vectors()[0], top_k=3)
"""

from . import errors
from ._convert import Progress, compact, info, pack, status, unpack, verify
from ._records import Records
from ._reports import (
    CollectionInfo,
    CompactedStore,
    CompactReport,
    Info,
    NumberClasses,
    PackedStore,
    PackReport,
    Problem,
    Status,
    StoreInfo,
    StoreStatus,
    UnpackedFile,
    UnpackReport,
    VerifyReport,
    VerifyWarning,
)
from ._twin import Filters, Hit, Segment, Twin, open
from .errors import TwinstoreError

__all__ = [
    "CollectionInfo",
    "CompactReport",
    "CompactedStore",
    "Filters",
    "Hit",
    "Info",
    "NumberClasses",
    "PackReport",
    "PackedStore",
    "Problem",
    "Progress",
    "Records",
    "Segment",
    "Status",
    "StoreInfo",
    "StoreStatus",
    "Twin",
    "TwinstoreError",
    "UnpackReport",
    "UnpackedFile",
    "VerifyReport",
    "VerifyWarning",
    "compact",
    "errors",
    "info",
    "open",
    "pack",
    "status",
    "unpack",
    "verify",
]
