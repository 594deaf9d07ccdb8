"""chart.py draws the figures of compaction.cc and steady.cc.

    chart.py compaction FIGURES.csv CHART.svg
    chart.py steady FIGURES.csv CHART.svg

It needs matplotlib.
"""

import csv
import statistics
import sys

import matplotlib

matplotlib.use("svg")
# The same figures give the same file.
matplotlib.rcParams.update({"svg.hashsalt": "rocks-gc", "svg.fonttype": "none", "font.family": "sans-serif"})
import matplotlib.pyplot as plt
import matplotlib.ticker

MIB = 1 << 20


def unique(rows, column):
    return list(dict.fromkeys(row[column] for row in rows))


def save(figure, rows, title, path):
    figure.suptitle(f"{title}, RocksDB {rows[0]['rocksdb']}")
    figure.savefig(path, metadata={"Date": None})


def plain_numbers(axis):
    """For a logarithmic axis."""
    axis.set_minor_locator(matplotlib.ticker.LogLocator(subs=(2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("{x:g}")


def garbage_group(percent):
    """Short rows cannot have exactly 75 or 95 % of garbage."""
    return "nothing to collect" if percent == 0 else "75 to 80 % garbage" if percent <= 80 else "95 % garbage"


def compaction(rows, path):
    """User CPU time against no filter: a panel for each place and share of garbage."""
    times = {}
    for row in rows:
        case = (row["place"], int(row["keyspaces"]), garbage_group(float(row["garbage_percent"])))
        times.setdefault((case, row["mode"], int(row["versions"])), []).append(float(row["cpu_seconds"]))
    # A short form may take less time than the system measures.
    medians = {key: max(statistics.median(values), 0.001) for key, values in times.items()}
    modes = [mode for mode in unique(rows, "mode") if mode != "no filter"]
    modes.sort()  # Rounds shuffle them.
    lines = unique(rows, "place"), sorted({int(row["keyspaces"]) for row in rows})
    panels = [(place, keyspaces) for keyspaces in lines[1] for place in lines[0]]
    groups = [group for group in ("nothing to collect", "75 to 80 % garbage", "95 % garbage") if any(key[0][2] == group for key in medians)]
    figure, axes = plt.subplots(len(panels), len(groups), figsize=(5 * len(groups), 3 * len(panels) + 1), sharey="col", squeeze=False, layout="constrained")
    for panel, (place, keyspaces) in enumerate(panels):
        for column, group in enumerate(groups):
            axis, case = axes[panel][column], (place, keyspaces, group)
            for index, mode in enumerate(modes):
                versions = sorted(key[2] for key in medians if key[0] == case and key[1] == mode)
                ratios = [medians[case, mode, n] / medians[case, "no filter", n] for n in versions]
                axis.plot(versions, ratios, label=mode, color=f"C{index}", marker="o", markersize=3, linewidth=2 if mode.startswith("C") else 1)
            axis.axhline(1, color="black", linewidth=0.5)
            axis.set(xscale="log", yscale="log")
            axis.set_xticks(sorted({key[2] for key in medians}))
            axis.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
            axis.xaxis.set_major_formatter("{x:g}")
            plain_numbers(axis.yaxis)
            axis.set(title=f"{place}, {keyspaces} keyspaces\n{group}", xlabel="versions a row", ylabel="CPU / no filter")
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels()) if len(handle.get_xdata())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
    save(figure, rows, "User CPU time of compactions", path)


def steady(rows, path):
    """Space, CPU time, bytes written and latencies over time: a line for each set-up."""
    figure, axes = plt.subplots(2, 3, figsize=(15, 8), layout="constrained")

    def per_second(values):
        return [now - before for before, now in zip([0] + values, values)]

    def smooth(values):
        return [statistics.median(values[max(0, i - 9) : i + 1]) for i in range(len(values))]

    for index, setup in enumerate(unique(rows, "setup")):
        own = [row for row in rows if row["setup"] == setup]

        def column(name):
            return [float(row[name]) for row in own]

        seconds = column("second")
        written = [(flushed + compacted) / MIB for flushed, compacted in zip(column("flush_bytes"), column("compaction_bytes"))]
        draws = [
            ("table files, MiB", [size / MIB for size in column("file_bytes")]),
            ("CPU seconds a second (median of 10 s)", smooth(per_second(column("cpu_seconds")))),
            ("written by flushes and compactions, MiB", written),
            ("p99 of puts, us (median of 10 s)", smooth(column("put_p99_us"))),
            ("p99 of gets, us (median of 10 s)", smooth(column("get_p99_us"))),
            ("p99 of scans, us (median of 10 s)", smooth(column("scan_p99_us"))),
        ]
        for axis, (title, values) in zip(axes.flat, draws):
            axis.plot(seconds, values, label=setup, color=f"C{index}")
            axis.set(title=title, xlabel="seconds")
            if "p99" in title:
                axis.set_yscale("log")
                plain_numbers(axis.yaxis)
        if index == 0:
            axes[0][0].plot(seconds, [size / MIB for size in column("live_bytes")], label="must stay", color="black", linestyle=":")
    for axis in axes.flat:
        if axis.get_yscale() == "linear":
            axis.set_ylim(bottom=0)
    axes[0][0].legend()
    save(figure, rows, "10,000 tenants, one of them stuck", path)


def main():
    draw, figures, chart = sys.argv[1:]
    with open(figures, newline="", encoding="utf-8") as file:
        {"compaction": compaction, "steady": steady}[draw](list(csv.DictReader(file)), chart)


main()
