import numpy as np
import pytest
from scipy.optimize import minimize  # type: ignore[import-untyped, unused-ignore]

from qtgen.review.audits.prediction import MIN_LABELS, fit

Rows = list[dict[str, float]]


def labelled(count: int, seed: int = 1) -> tuple[Rows, list[float]]:
    """Return pages whose label depends on the score and on the errors, and not on the noise."""
    generator = np.random.default_rng(seed)
    rows: Rows = []
    labels: list[float] = []
    for _ in range(count):
        score, errors = float(generator.random()), float(generator.poisson(0.5))
        rows.append({"score": score, "errors": errors, "noise": float(generator.normal())})
        labels.append(float(generator.random() < 1 / (1 + np.exp(-(6 * score - 2 - 1.5 * errors)))))
    return rows, labels


def test_a_prediction_orders_pages_by_what_matters() -> None:
    model = fit(*labelled(600))
    low, high, faulty = model.predict([{"score": 0.1}, {"score": 0.9}, {"score": 0.9, "errors": 4}])
    assert low < 0.5 < high
    assert faulty < high
    assert model.names == ("errors", "noise", "score")
    assert sum(model.labels) == 600


def test_a_prediction_is_calibrated() -> None:
    model = fit(*labelled(2_000))
    rows, labels = labelled(4_000, seed=2)
    predictions = model.predict(rows)
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (predictions >= low) & (predictions < low + 0.25)
        assert float(np.array(labels)[inside].mean()) == pytest.approx(float(predictions[inside].mean()), abs=0.07)


def test_the_coefficients_are_those_that_minimize_the_penalized_loss() -> None:
    rows, labels = labelled(200)
    model = fit(rows, labels)
    matrix = np.array([[row[name] for name in model.names] for row in rows])
    design = np.column_stack([np.ones(200), (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)])
    targets = np.array(labels)

    def loss(coefficients: np.ndarray) -> float:
        linear = design @ coefficients
        return float((np.logaddexp(0, linear) - targets * linear).sum() + 0.5 * (coefficients[1:] ** 2).sum())

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    assert model.coefficients.tolist() == pytest.approx(best.tolist(), abs=1e-4)


@pytest.mark.parametrize(("good", "bad"), [(0, 0), (29, 300), (300, 29), (500, 0), (0, 500)])
def test_without_30_labels_of_each_kind_it_is_constant(good: int, bad: int) -> None:
    rows: Rows = [{"score": 1.0}] * good + [{"score": 0.0}] * bad
    model = fit(rows, [1.0] * good + [0.0] * bad)
    low, high = model.predict([{"score": 0.0}, {"score": 1.0}])
    assert low == high
    assert 0 < low < 1
    assert model.names == ()
    assert model.labels == (good, bad)


def test_thirty_labels_of_each_kind_are_enough_even_if_they_are_separated() -> None:
    rows: Rows = [{"score": 1.0}] * MIN_LABELS + [{"score": 0.0}] * MIN_LABELS
    low, high = fit(rows, [1.0] * MIN_LABELS + [0.0] * MIN_LABELS).predict([{"score": 0.0}, {"score": 1.0}])
    assert 0.0 < low < 0.1 < 0.9 < high < 1.0


@pytest.mark.parametrize("value", [0.0, 0.7, 1e9])
def test_features_that_never_differ_are_left_out(value: float) -> None:
    rows: Rows = [{"score": value}] * 80
    model = fit(rows, [1.0] * 40 + [0.0] * 40)
    assert model.names == ()
    assert model.predict([{"score": 5.0}])[0] == pytest.approx(0.5, abs=0.01)


def test_a_missing_feature_counts_as_average() -> None:
    rows, labels = labelled(400)
    model = fit([*rows, {}], [*labels, 1.0])
    average = {name: float(mean) for name, mean in zip(model.names, model.means, strict=True)}
    assert model.predict([{}])[0] == pytest.approx(model.predict([average])[0])
    assert model.predict([{"unknown": 1.0}])[0] == pytest.approx(model.predict([{}])[0])
    assert len(model.predict([])) == 0


def test_labels_between_0_and_1_count_in_part() -> None:
    rows: Rows = [{"score": number % 10} for number in range(100)]
    model = fit(rows, [0.5] * 40 + [1.0] * 60)
    assert model.labels == (60, 40)
    assert model.predict(rows).tolist() == pytest.approx([0.8] * 100)
