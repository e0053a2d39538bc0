"""The order in which pages are read, and the probability with which each one is drawn.

Every page gets a number between 0 and 1 from a hash of a seed and its URL. An audit visits pages by that number, which
is a simple random sample at every length. The queue `next` visits them by the number divided by a weight, so that
pages about which the prediction is unsure come earlier: sequential Poisson sampling (Ohlsson 1998, "Sequential Poisson
sampling", Journal of Official Statistics 14). In both, the pages read so far are a sample only if none before the last
one is missing.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BITS = 53  # of the fraction of a float


def uniform(seed: int, url: str, purpose: str = "") -> float:
    """Return a number strictly between 0 and 1 that depends on nothing but the arguments.

    Args:
        seed: The seed of the plan.
        url: The page.
        purpose: Another purpose gives an independent number, such as the choice of second readings.
    """
    text = f"{seed}\0{purpose}\0{url}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> (64 - _BITS)
    return (number + 0.5) / (1 << _BITS) if number < (1 << _BITS) - 1 else 1 - 2.0**-_BITS


def uniforms(seed: int, urls: Sequence[str], purpose: str = "") -> Floats:
    """Return `uniform` of every URL, in the order of the URLs."""
    return np.array([uniform(seed, url, purpose) for url in urls], np.float64)


def order_of(keys: Floats, urls: Sequence[str]) -> list[int]:
    """Return the positions of the pages, sorted by key. Equal keys are sorted by URL."""
    return sorted(range(len(urls)), key=lambda position: (keys[position], urls[position]))


def weights(predictions: Sequence[float] | Floats) -> Floats:
    """Return the weight of every page in the queue `next`: one half, plus a half in proportion to the uncertainty.

    The uncertainty of a page is the standard deviation √(f(1−f)) of its label. The weights have a mean of 1 and are at
    least one half, so every page can be drawn. Without any uncertainty, all weights are 1.

    Args:
        predictions: The predicted probability of every page that it can be published.
    """
    shares = np.clip(np.asarray(predictions, np.float64), 0.0, 1.0)
    uncertainty = np.sqrt(shares * (1 - shares))
    mean = float(uncertainty.mean()) if len(uncertainty) else 0.0
    if mean <= 0:
        return np.ones(len(shares))
    result: Floats = 0.5 + 0.5 * uncertainty / mean
    return result


def inclusion_probabilities(page_weights: Sequence[float] | Floats, count: int) -> Floats:
    """Return the probability of every page to be among the first `count` pages of the queue `next`.

    They are proportional to the weights and sum to `count`. A page whose share would exceed 1 gets 1, and the others
    share the rest.

    Args:
        page_weights: The weights of all pages, at least one of them positive.
        count: The number of pages that were read. More than there are pages counts as all of them.
    """
    values = np.asarray(page_weights, np.float64)
    count = max(0, min(count, len(values)))
    descending = np.sort(values)[::-1]
    # If the `certain` heaviest pages get 1, the others share the rest in proportion to their weights.
    rest = np.append(np.cumsum(descending[::-1])[::-1], 0.0)  # rest[i]: the sum without the i heaviest ones
    for certain in range(count):
        factor = (count - certain) / rest[certain]
        if factor * descending[certain] < 1:
            shared: Floats = np.minimum(1.0, factor * values)
            return shared
    threshold = descending[count - 1] if count else np.inf
    return np.where(values >= threshold, 1.0, 0.0)
