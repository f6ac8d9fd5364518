"""The evaluation for people and for programs: one HTML page, one JSON file, one CSV table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from model_src.evaluation.plots import plot

SHOWN = {
    "auc": "AUC", "ap": "AP", "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1",
    "eer": "EER", "fpr_at_95_tpr": "FPR @ 95 % TPR", "tpr_at_1_fpr": "TPR @ 1 % FPR", "tpr_at_5_fpr": "TPR @ 5 % FPR",
}  # fmt: skip
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 1180px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem } .dim { color: #6b7280 }
.big { display: flex; gap: 2.5rem; flex-wrap: wrap; margin: 1.2rem 0 } .big b { display: block; font-size: 1.7rem }
.warn { background: #fef3c7; padding: .6rem .9rem; border-radius: 6px; margin: 1rem 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; white-space: nowrap }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e5e7eb }
th:first-child, td:first-child { text-align: left } td small { color: #6b7280; display: block }
.plots { display: flex; flex-wrap: wrap; gap: 1.2rem }
"""


def write_report(folder: Path, results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    with (folder / "videos.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    (folder / "report.html").write_text(page(results), encoding="utf-8")


def page(results: Mapping[str, Any]) -> str:
    videos, trust = results["videos"], results["calibration"]
    left_out = ", ".join(f"{count} {escape(reason.replace('_', ' '))}" for reason, count in results["left_out"].items())
    body = [
        f"<h1>Evaluation of {escape(results['model_version'])}</h1>",
        f"<div class=dim>{videos['scored']} videos ({videos['real']} real, {videos['fake']} fake) of "
        f"{results['identities']} unrelated groups of people"
        + (f"; left out: {left_out}" if left_out else "")
        + ". Intervals: 95 %, bootstrap over those groups.</div>",
        "" if results["trained"] else "<div class=warn>These weights are not trained: the numbers mean nothing.</div>",
        headline(results["video"]["mean"], trust),
        "<h2>Curves</h2>",
        f"<div class=plots>{plots(results['curves'])}</div>",
        "<h2>Per video, by the way its windows are put together</h2>",
        table(results["video"]),
        "<h2>Per window, per frame, and by one sense alone</h2>",
        table(
            {
                "windows": results["window"],
                "frames": results["frame"],
                "picture alone, per video": results["by_modality"]["video_logit"],
                "sound alone, per video": results["by_modality"]["audio_logit"],
            }
        ),
        "<h2>By source</h2>",
        table(results["by_source"]),
        "<h2>By method, against all real videos</h2>",
        table(results["by_method"]),
        "<h2>Decisions</h2>",
        decisions(results["confusion"], trust),
    ]
    title = f"<title>Evaluation of {escape(results['model_version'])}</title>"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8">{title}<style>{STYLE}</style>'
    return head + "\n".join(body) + "</html>\n"


def headline(metrics: Mapping[str, Any], trust: Mapping[str, Any]) -> str:
    shown = [(SHOWN[name], cell(metrics[name])) for name in ("auc", "eer", "tpr_at_1_fpr", "f1")]
    shown.append(("calibration error", f"{trust['ece_after']:.3f}<small> was {trust['ece_before']:.3f}</small>"))
    return "<div class=big>" + "".join(f"<div>{name}<b>{value}</b></div>" for name, value in shown) + "</div>"


def cell(metric: Mapping[str, Any]) -> str:
    value, interval = metric["value"], metric["interval"]
    return f"{value:.3f}" + (f"<small>{interval[0]:.3f} – {interval[1]:.3f}</small>" if interval else "")


def table(rows: Mapping[str, Any]) -> str:
    lines = ["<tr><th></th>" + "".join(f"<th>{name}</th>" for name in SHOWN.values()) + "</tr>"]
    for name, metrics in rows.items():
        cells = (
            f"<td colspan={len(SHOWN)} class=dim>not both real and fake</td>"
            if metrics is None
            else "".join(f"<td>{cell(metrics[key])}</td>" for key in SHOWN)
        )
        lines.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    return f"<div class=scroll><table>{''.join(lines)}</table></div>"


def plots(curves: Mapping[str, Mapping[str, list[float]]]) -> str:
    curve, recall = curves["roc"], curves["precision_recall"]
    trust, risk = curves["reliability"], curves["risk_coverage"]
    largest = max(trust["count"], default=1)
    top = max(0.05, *risk["y"])
    return "".join(
        [
            plot("ROC", "reals called fake", "fakes found", curve["x"], curve["y"], diagonal=True),
            plot("Precision and recall", "recall", "precision", recall["x"], recall["y"], steps=True),
            plot("Reliability", "said: probability of fake", "found: share of fakes", trust["x"], trust["y"],
                 diagonal=True, dots=[count / largest for count in trust["count"]]),
            plot("Risk and coverage", "share of videos answered", "share of answers wrong", risk["x"], risk["y"],
                 highest=top),
        ]
    )  # fmt: skip


def decisions(confusion: Mapping[str, int], trust: Mapping[str, Any]) -> str:
    risk = "none is answered" if trust["risk"] is None else f"{100 * trust['risk']:.1f} % of the answers are wrong"
    return (
        "<table><tr><th></th><th>called real</th><th>called fake</th></tr>"
        f"<tr><td>is real</td><td>{confusion['true_real']}</td><td>{confusion['false_fake']}</td></tr>"
        f"<tr><td>is fake</td><td>{confusion['false_real']}</td><td>{confusion['true_fake']}</td></tr></table>"
        f"<p>Answering only from {trust['reject_below']:.0%} on, {trust['coverage']:.0%} of the videos get an answer "
        f"and {risk}.</p>"
    )
