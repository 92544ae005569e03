"""Makes outcomes.txt: what llama-index-core 0.14.25 under CPython 3.11 says of
every operator, filter value and metadata value below.

    python outcomes.py > outcomes.txt

Lines: `m`, a metadata value; `v`, a filter value; `e`, an exception, numbered
from 0; then for each operator and filter value the outcomes for all metadata
values: T, F, or the number of an exception.
"""

import json

from llama_index.core.vector_stores.types import (
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)
from llama_index.core.vector_stores.utils import build_metadata_filter_fn

METADATA = r"""
null true false 0 1 -1 2 -0 9007199254740993 -9007199254740993 1180591620717411303424
0.0 -0.0 1.0 1.5 -1.5 9007199254740992.0 1180591620717411303424.0 1e400 -Infinity NaN
"" "a" "A" "ab" "aB" "b" "1" "a\n\"c" "stra\u00dfe" "\u039f\u0394\u039f\u03a3" "\u039f\u03a3\u039f"
"\u0130x" "\ud83d" "\ud83da" "\ue000" "\ud83d\ude00" [] [1] [true] [1.0,2] [2,1] ["a"] ["a","b"]
["b","a",1] [[1]] [["a"]] [null] [{}] [1,"a"] ["1"] [NaN] [""] {} {"a":1} {"1":[]}
""".split()
VALUES = r"""
null 0 1 -2 9007199254740993 1180591620717411303424 0.0 1.0 1.5 9007199254740992.0
1180591620717411303424.0 Infinity NaN "" "a" "A" "ab" "1" "n" "\n\"" "ss" "\u03c3" "\u03c2"
"\u03a3" "i" "\ue000" "\ud83d\ude00" [] [1] [1,2] [1.0] [1.0,2.5] [NaN] ["a"] ["a","b"] ["","ab"] ["1"]
""".split()


def main() -> None:
    table, errors = [], []
    for operator in FilterOperator:
        for value in VALUES:
            wanted = json.loads(value)
            # The NaN of the json module is one object, and `in` looks at that.
            if value == "NaN":
                wanted = float("nan")
            if value == "[NaN]":
                wanted = [float("nan")]
            filters = MetadataFilters(
                filters=[MetadataFilter(key="k", value=wanted, operator=operator)]
            )
            row = []
            for metadata in [None, *METADATA]:
                found = {} if metadata is None else {"k": json.loads(metadata)}
                try:
                    met = build_metadata_filter_fn(lambda _: found, filters)("id")
                    row.append("FT"[bool(met)])
                except Exception as error:
                    told = f"{type(error).__name__}: {error}"
                    if told not in errors:
                        errors.append(told)
                    row.append(str(errors.index(told)))
            table.append(f"{operator.value} {value} {' '.join(row)}")
    print("m missing")
    for metadata in METADATA:
        print("m", metadata)
    for value in VALUES:
        print("v", value)
    for error in errors:
        print("e", error)
    print("\n".join(table))


if __name__ == "__main__":
    main()
