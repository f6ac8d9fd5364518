"""`aura evaluate`: what a model is worth on labelled videos, as JSON, CSV and a page to look at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.prepare import prepare
from infra.cli.progress import progress
from infra.cli.refusals import refusing
from infra.cli.show import console
from model_src.data.video import Split


def evaluate(
    checkpoint: options.Checkpoint,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    split: options.Split = "test",
    fit_on: Annotated[Split | None, typer.Option(help="split to learn the aggregations from, such as val")] = None,
    aggregator: Annotated[
        list[Path] | None, typer.Option(help="an aggregation that --fit-on saved; once for each")
    ] = None,
    extracted: options.Extracted = None,
    out: Annotated[Path, typer.Option(help="folder for the report")] = Path("out/evaluation"),
    device: options.Device = None,
) -> None:
    """Score the videos of a split and write report.html, evaluation.json and videos.csv."""
    from model_src.evaluation.aggregation import AggregatorInvalid, load
    from model_src.evaluation.counted import counted
    from model_src.evaluation.evaluate import NothingToCompare, learn_aggregators, rows_of
    from model_src.evaluation.evaluate import evaluate as judge
    from model_src.evaluation.report import write_report
    from model_src.evaluation.score import score_split

    if fit_on == split:
        typer.echo(f"Learn the aggregations from another split than {split}: it is the one to be judged.", err=True)
        raise typer.Exit(1)
    predictor, videos = prepare(checkpoint, data_root, manifest, device)
    store = options.store_at(extracted)
    missing: Counter[str] = Counter()
    with refusing(
        NothingToCompare, AggregatorInvalid, say=lambda error: f"{error} Left out: {dict(missing) or 'none'}."
    ):
        aggregators = {kept.about.kind: kept for kept in (load(f, predictor.model_version) for f in aggregator or ())}
        if fit_on:
            known, _ = score_split(predictor, videos, fit_on, store, progress(f"scoring {fit_on}"))
            for learnt in learn_aggregators(known):
                learnt.save(out)
                aggregators[learnt.about.kind] = learnt
        scored, missing = score_split(predictor, videos, split, store, progress(f"scoring {split}"))
        results = judge(scored, missing, aggregators=list(aggregators.values()))
    write_report(out, results, rows_of(scored))
    auc = results["video"]["mean"]["auc"]
    low, high = auc["interval"] or (None, None)
    between = f" (95 %: {low:.4f} to {high:.4f})" if low is not None else ""
    console.print(
        f"{len(scored)} videos, AUC [bold]{auc['value']:.4f}[/]{between} -> {out / 'report.html'}", soft_wrap=True
    )
    if missing:
        console.print(f"left out: {counted(missing)}")
