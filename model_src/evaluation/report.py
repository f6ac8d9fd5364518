"""The evaluation for people and for programs: one HTML page, one JSON file, one CSV table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from model_src.data.spreadsheet import as_text
from model_src.evaluation.counted import counted
from model_src.evaluation.difference import in_words
from model_src.evaluation.plots import histogram, plot, rounded_up

SHOWN = {
    "auc": "AUC", "ap": "AP", "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1",
    "eer": "EER", "fpr_at_95_tpr": "FPR @ 95 % TPR", "tpr_at_1_fpr": "TPR @ 1 % FPR", "tpr_at_5_fpr": "TPR @ 5 % FPR",
}  # fmt: skip
MEANING = {
    "auc": "a fake is ranked above a real",
    "eer": "fakes missed = reals accused",
    "tpr_at_1_fpr": "fakes found when 1 % of reals are accused",
    "f1": "at even odds",
}
MOST_WRONG = 8  # videos listed
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 1180px; margin: 2rem auto; padding: 0 1.2rem }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin: 2.4rem 0 .2rem }
.dim { color: #6b7280 } p.dim { margin: 0 0 .6rem; font-size: .88rem }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: .8rem; margin: 1.4rem 0 }
.card { border: 1px solid #e5e7eb; border-radius: 8px; padding: .7rem .9rem }
.card b { display: block; font-size: 1.7rem; line-height: 1.25 } .card small { display: block; color: #6b7280 }
.warn { background: #fef3c7; padding: .6rem .9rem; border-radius: 6px; margin: 1rem 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .82rem; width: 100% }
th, td { padding: .3rem .4rem; text-align: right; border-bottom: 1px solid #e5e7eb; white-space: nowrap }
th { white-space: normal; vertical-align: bottom; font-weight: 600 } td { font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
td small { color: #6b7280; display: block; font-size: .72rem } table.left td, table.left th { text-align: left }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1rem } svg { width: 100% }
.confusion td, .confusion th { text-align: center } .confusion td b { font-size: 1.3rem; display: block }
h3 { font-size: .83rem; text-align: center; margin: .55rem 0 1rem }
.confusion { margin: .4rem 0 1rem } .right { background: #f0fdf4 } .wrong { background: #fef2f2 }
@media print { body { margin: 0; max-width: none } h2, table, svg { break-inside: avoid } }
"""


def write_report(folder: Path, results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    with (folder / "videos.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows({name: as_text(value) for name, value in row.items()} for row in rows)
    (folder / "report.html").write_text(page(results, rows), encoding="utf-8")


def page(results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    videos, trust = results["videos"], results["calibration"]
    left_out = escape(counted(results["left_out"]))
    body = [
        f"<h1>Evaluation of {escape(results['model_version'])}</h1>",
        f"<div class=dim>{videos['scored']} videos ({videos['real']} real, {videos['fake']} fake) of "
        f"{results['identities']} unrelated groups of people"
        + (f"; left out: {left_out}" if left_out else "")
        + ". Small numbers: 95 % intervals, bootstrap over those groups.</div>",
        "" if results["trained"] else "<div class=warn>These weights are not trained: the numbers mean nothing.</div>",
        headline(results["video"]["mean"], trust),
        f"<p>{escape(in_words(results['in_service']))}</p>" if results.get("in_service") else "",
        f"<div class=plots>{plots(results)}<div>{decisions(results['confusion'], trust)}</div></div>",
        section("Most confidently wrong", "Where to look first: the videos on the wrong side, the surest ones on top."),
        most_wrong(rows),
        section("Per video", "By the way its windows are put together; the verdict is the mean."),
        table(results["video"]),
        section("Per window, per frame, and by one sense alone", "What the verdict is made of."),
        table(
            {
                "windows": results["window"],
                "frames": results["frame"],
                "picture alone": results["by_modality"]["video_logit"],
                "sound alone": results["by_modality"]["audio_logit"],
            }
        ),
        section("What is said of them", "At the thresholds of the verdict; rather uncertain than wrong."),
        said(results["answers"]),
        section("By source", "The videos of each dataset alone."),
        table(results["by_source"]),
        section("By method", "The fakes made in one way, against all real videos."),
        table(results["by_method"]),
    ]
    title = f"<title>Evaluation of {escape(results['model_version'])}</title>"
    look = f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    head = f'<!doctype html><html lang="en"><meta charset="utf-8">{title}{look}'
    return head + "\n".join(body) + "</html>\n"


def section(title: str, meaning: str) -> str:
    return f"<h2>{title}</h2><p class=dim>{meaning}</p>"


def headline(metrics: Mapping[str, Any], trust: Mapping[str, Any]) -> str:
    shown = [card(SHOWN[name], f"{metrics[name]['value']:.3f}", interval(metrics[name]), meaning)
             for name, meaning in MEANING.items()]  # fmt: skip
    beside = f"was {trust['ece_before']:.3f}; {trust['ece_by_chance']:.3f} if every probability were right"
    shown.append(card("calibration error", f"{trust['ece_after']:.3f}", beside, "probabilities against what was found"))
    return f"<div class=cards>{''.join(shown)}</div>"


def said(answers: Mapping[str, Any]) -> str:
    head = "<tr><th>videos</th><th>how many</th><th>called real</th><th>uncertain</th><th>called fake</th></tr>"
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{of['videos']}</td>"
        + "".join(f"<td>{of[called]:.0%}</td>" for called in ("real", "uncertain", "fake"))
        + "</tr>"
        for name, of in answers.items()
    )
    return f"<div class=scroll><table>{head}{rows}</table></div>"


def card(name: str, value: str, beside: str, meaning: str) -> str:
    return f"<div class=card>{name}<b>{value}</b><small>{beside}</small><small>{meaning}</small></div>"


def interval(metric: Mapping[str, Any]) -> str:
    low, high = metric["interval"] or (None, None)
    return "no interval: one group of people" if low is None else f"{low:.3f} – {high:.3f}"


def most_wrong(rows: Sequence[Mapping[str, Any]]) -> str:
    wrong = [row for row in rows if (row["logit"] > 0) != bool(row["label"])]
    if not wrong:
        return "<p>None: every video is on its side.</p>"
    lines = ["<tr><th>video</th><th>is</th><th>probability of fake</th><th>source</th><th>method</th></tr>"]
    for row in sorted(wrong, key=lambda row: -abs(row["logit"]))[:MOST_WRONG]:
        cells = (row["video_id"], ("real", "fake")[row["label"]], f"{row['fake']:.1%}", row["source"], row["method"])
        lines.append("<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in cells) + "</tr>")
    more = f"<p class=dim>{len(wrong)} in all; videos.csv has every video.</p>"
    return f"<div class=scroll><table class=left>{''.join(lines)}</table></div>{more}"


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


def plots(results: Mapping[str, Any]) -> str:
    curves, confusion = results["curves"], results["confusion"]
    curve, recall = curves["roc"], curves["precision_recall"]
    trust, risk, spread = curves["reliability"], curves["risk_coverage"], curves["distribution"]
    largest = max(trust["count"], default=1)
    reals = confusion["false_fake"] + confusion["true_real"]
    fakes = confusion["true_fake"] + confusion["false_real"]
    here = (confusion["false_fake"] / reals, confusion["true_fake"] / fakes, "even odds")
    return "".join(
        [
            plot("ROC", "reals called fake", "fakes found", curve["x"], curve["y"], diagonal=True, mark=here),
            plot("Precision and recall", "recall", "precision", recall["x"], recall["y"], steps=True),
            histogram("What was said", "calibrated probability of fake", "videos", spread["real"], spread["fake"]),
            plot("Reliability", "said: probability of fake", "found: share of fakes", trust["x"], trust["y"],
                 diagonal=True, dots=[count / largest for count in trust["count"]]),
            plot("Risk and coverage", "share of videos answered, the surest first", "share of answers wrong",
                 risk["x"], risk["y"], highest=rounded_up(max(0.05, *risk["y"]))),
        ]
    )  # fmt: skip


def decisions(confusion: Mapping[str, int], trust: Mapping[str, Any]) -> str:
    def line(name: str, right: int, wrong: int, cells: Sequence[tuple[int, str]]) -> str:
        total = max(right + wrong, 1)
        shown = "".join(f"<td class={kind}><b>{count}</b>{count / total:.1%}</td>" for count, kind in cells)
        return f"<tr><td>{name}</td>{shown}</tr>"

    true_real, false_fake = confusion["true_real"], confusion["false_fake"]
    true_fake, false_real = confusion["true_fake"], confusion["false_real"]
    risk = "none is answered" if trust["risk"] is None else f"{trust['risk']:.1%} of the answers are wrong"
    return (
        "<h3>Decisions at even odds</h3>"
        "<table class=confusion><tr><th></th><th>called real</th><th>called fake</th></tr>"
        + line("is real", true_real, false_fake, [(true_real, "right"), (false_fake, "wrong")])
        + line("is fake", true_fake, false_real, [(false_real, "wrong"), (true_fake, "right")])
        + f"</table><p>Answering only from {trust['reject_below']:.0%} on, {trust['coverage']:.0%} of the videos get "
        f"an answer and {risk}.</p>"
    )
