"""Measure what audits promise and what they cost: errors of the rules, coverage of the intervals, processor time.

    python benchmarks/audits.py [RUNS]

The batch has 5,000 pages, the tolerance is 2% and the confidence is 95%.
"""

import datetime as dt
import sys
import time

import numpy as np
from scipy.stats import hypergeom

from qtgen.generation.decisions import Action, Decision, DecisionLog, timestamp
from qtgen.review.audits.acceptance import FixedRule, Rule, SequentialRule, fixed_sample_size, limit_of, promise
from qtgen.review.audits.audits import Frame, Limits, SourcePage, make_plan, progress
from qtgen.review.audits.estimates import audit_rate, next_rate
from qtgen.review.audits.sampling import inclusion_probabilities, weights

PAGES, TOLERANCE, CONFIDENCE = 5_000, 0.02, 0.95
NOW = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)


def rules() -> dict[str, Rule]:
    limit = limit_of(PAGES, TOLERANCE)
    fixed: dict[str, Rule] = {
        f"{allowed} allowed": FixedRule(
            PAGES, TOLERANCE, CONFIDENCE, allowed, fixed_sample_size(PAGES, limit, CONFIDENCE, allowed)
        )
        for allowed in (0, 1, 3, 6)
    }
    return {**fixed, "sequential": SequentialRule(PAGES, TOLERANCE, CONFIDENCE)}


def print_promises() -> None:
    print("| rule | clean: read | 1% bad: accepted | read | 2.02% bad: accepted | read | 4% bad: read |")
    print("|---|---|---|---|---|---|---|")
    for name, rule in rules().items():
        clean, half, limit, double = (promise(rule, bad) for bad in (0, 50, 101, 200))
        print(
            f"| {name} | {clean.mean_read:.0f} | {half.accepted:.1%} | {half.mean_read:.0f} | {limit.accepted:.1%} | "
            f"{limit.mean_read:.0f} | {double.mean_read:.0f} |"
        )


def print_peeking(runs: int) -> None:
    """Print how often a bound for a fixed number of pages accepts, if it is checked after every page up to some."""
    generator, batch = np.random.default_rng(1), np.arange(PAGES) < 101
    print("\n| exact bound, checked after every page up to | batches with 2.02% bad accepted |\n|---|---|")
    checked = (145, 500, 1_000, 2_000)
    numbers = np.arange(41)
    bounds = np.array(
        [(hypergeom.cdf(numbers, PAGES, 101, read) <= 0.05).sum() - 1 for read in range(1, max(checked) + 1)]
    )
    accepted = np.zeros(len(checked))
    for _ in range(runs):
        holds = np.cumsum(generator.permutation(batch)[: max(checked)]) <= bounds
        accepted += [holds[:most].any() for most in checked]
    for most, count in zip(checked, accepted, strict=True):
        print(f"| {most:,} | {count / runs:.1%} |")


def print_coverage(runs: int) -> None:
    print("\n| bad | audit: coverage | width | `next`: coverage | width | estimates |\n|---|---|---|---|---|---|")
    generator, read = np.random.default_rng(2), 300
    for bad in (0.02, 0.05, 0.1, 0.2):
        labels = (np.arange(2_000) >= bad * 2_000).astype(float)
        predictions = 1 / (1 + np.exp(-(1.5 + 2 * labels + generator.normal(0, 1, 2_000))))
        page_weights = weights(predictions)
        probabilities = inclusion_probabilities(page_weights, read)
        audits, nexts = [], []
        for _ in range(runs):
            drawn = generator.permutation(2_000)[:read]
            audits.append(audit_rate(labels[drawn], predictions[drawn], predictions))
            drawn = np.argpartition(generator.random(2_000) / page_weights, read)[:read]
            nexts.append(next_rate(labels[drawn], predictions[drawn], probabilities[drawn], predictions))
        known = [rate for rate in nexts if rate is not None]
        cells = [f"{bad:.0%}"]
        for rates in (audits, known):
            covered = np.mean([rate.low - 1e-9 <= 1 - bad <= rate.high + 1e-9 for rate in rates]) if rates else np.nan
            width = np.mean([rate.high - rate.low for rate in rates]) if rates else np.nan
            cells += [f"{covered:.1%}", f"{width:.1%}"]
        print(f"| {' | '.join(cells)} | {len(known) / runs:.0%} |")


def print_time() -> None:
    print("\n| pages | plan, ms | progress, first, ms | progress, ms |\n|---|---|---|---|")
    for count in (5_000, 36_000):
        pages = [
            SourcePage(f"/page/{number:05}", f"{number}.md", {"answer": "a", "seo": "b"}) for number in range(count)
        ]
        begin = time.process_time()
        limits = Limits(TOLERANCE, CONFIDENCE, None)
        plan = make_plan("audit", Frame(tuple(pages)), DecisionLog(), at=NOW, seed=1, limits=limits)
        made = time.process_time() - begin
        texts = {page.url: {"answer": "a", "seo": "b"} for page in pages}
        log = DecisionLog()
        for number, position in enumerate(plan.order[:1_000]):
            moment = timestamp(NOW + dt.timedelta(seconds=number))
            action = Action.REJECT if number % 60 == 0 else Action.APPROVE  # so that there is no verdict yet
            url = plan.pages[position].url
            log.add(
                Decision(
                    id=str(number), at=moment, who="a", action=action, url=url, texts=texts[url], draw=plan.draw(url)
                )
            )
        times = []
        for _ in range(6):
            begin = time.process_time()
            progress(plan, log, texts.get)
            times.append(time.process_time() - begin)
        print(f"| {count:,} | {made * 1e3:.0f} | {times[0] * 1e3:.0f} | {np.median(times[1:]) * 1e3:.1f} |")


def main(runs: int) -> None:
    print_promises()
    print_peeking(runs)
    print_coverage(runs)
    print_time()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
