"""Draws what `scripts/compare --chart FILE` measured; reads that as JSON."""

from __future__ import annotations

import json
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

OURS, OTHERS, APPROXIMATE = "#d1495b", "#8d99ae", "#d9dee7"
PANELS = {
    "open and first query": "open + first query",
    "open and first query, cold": "the same, cold cache",
    "start to first query": "process start to first query",
    "another query": "another query",
    "another document": "a document by its id",
    "on disk": "on disk",
}


def panel(axes, figure: str, figures: dict) -> None:
    """One figure: a bar for each store, the longest below."""
    ratios = {name: ratios[figure] for name, ratios in figures["ratios"].items() if ratios[figure] is not None}
    names = sorted(ratios, key=ratios.__getitem__, reverse=True)
    colour = {name: APPROXIMATE for name in figures["approximate"]} | {"twinstore": OURS}
    axes.barh(names, [ratios[name] for name in names], color=[colour.get(name, OTHERS) for name in names], height=0.7)
    axes.set_xscale("log")
    # Bars of what is less than ours begin where the axis does, too.
    axes.set_xlim(min(0.5, min(ratios.values()) / 1.5), max(ratios.values()) * 4)
    axes.set_title(PANELS[figure], fontsize=9, loc="left", weight="bold")
    for place, name in enumerate(names):
        times = ratios[name]
        text = figures["ours"][figure] if name == "twinstore" else f"{times:.2g}x" if times < 100 else f"{times:,.0f}x"
        axes.text(times * 1.1, place, text, va="center", fontsize=7)
    axes.tick_params(axis="y", labelsize=7, length=0)
    axes.xaxis.set_visible(False)
    axes.axvline(1, color=OURS, linewidth=0.8, linestyle=":")
    axes.spines[:].set_visible(False)


def main() -> None:
    figures = json.load(sys.stdin)
    # The same file from the same figures, with text that is text.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "compare", "font.family": "sans-serif"})
    picture, all_axes = plt.subplots(2, 3, figsize=(10.5, 5.4), layout="constrained")
    for axes, figure in zip(all_axes.flat, PANELS, strict=True):
        panel(axes, figure, figures)
    picture.suptitle(f"{figures['title']}: times as much as twinstore (log scale)", fontsize=10, x=0.01, ha="left")
    if figures["approximate"]:
        picture.supxlabel("light: approximate, built beforehand", fontsize=7, x=0.99, ha="right")
    picture.savefig(sys.argv[1], metadata={"Date": None}, transparent=False, facecolor="white")


if __name__ == "__main__":
    main()
