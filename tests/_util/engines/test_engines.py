"""What all engines have in common."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from qtgen._util.engines import Engine, ThisProcess
from qtgen._util.engines.local import LocalEngine
from support.engine_work import double, fail_at_three, identity, process_id, total

MakeEngine = Callable[[], Engine]


def _ray() -> Engine:
    from qtgen._util.engines.ray import RayEngine

    return RayEngine(2, {})


ENGINES: dict[str, MakeEngine] = {
    "this process": ThisProcess,
    "forked": lambda: LocalEngine(2),
    "spawned": lambda: LocalEngine(2, spawn=True),
    "ray": _ray,
}


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.xdist_group("ray")] * (name == "ray")) for name in ENGINES]
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    engine: Engine = ENGINES[request.param]()
    yield engine
    engine.close()


def test_results_come_in_the_order_of_the_parcels_with_their_labels(engine: Engine) -> None:
    parcels = ((f"parcel {number}", (number,)) for number in range(20))
    assert list(engine.map(double, parcels)) == [(f"parcel {number}", number * 2) for number in range(20)]


def test_no_parcel_gives_no_result(engine: Engine) -> None:
    assert list(engine.map(double, iter(()))) == []


def test_what_a_function_raises_is_raised_here(engine: Engine) -> None:
    results = engine.map(fail_at_three, ((None, (number,)) for number in range(9)))
    assert [next(results) for _ in range(3)] == [(None, 0), (None, 1), (None, 2)]
    with pytest.raises(ValueError, match=r"^fatal$"):
        next(results)


def test_parcels_are_read_only_a_few_ahead(engine: Engine) -> None:
    read = 0

    def parcels() -> Iterator[tuple[int, tuple[int]]]:
        nonlocal read
        for number in range(60):
            read += 1
            yield number, (number,)

    for done, _ in enumerate(engine.map(double, parcels()), 1):
        assert read - done <= 6


def test_workers_read_a_shared_value(engine: Engine) -> None:
    shared = engine.share({"numbers": np.arange(100_000, dtype=np.float32), "name": "x" * 10_000})
    expected = float(np.arange(100_000, dtype=np.float32).sum())
    assert [value for _, value in engine.map(total, ((None, (number, shared)) for number in range(3)))] == [
        expected,
        expected + 1,
        expected + 2,
    ]


def test_a_worker_loads_a_shared_value_once(engine: Engine) -> None:
    shared = engine.share({"numbers": np.arange(10)})
    seen = {value for _, value in engine.map(identity, ((None, (shared,)) for _ in range(8)))}
    assert len(seen) == len({process for process, _ in seen})


def test_a_shared_value_can_have_no_buffers(engine: Engine) -> None:
    shared = engine.share({"numbers": np.float64(2)})
    assert list(engine.map(total, [(None, (1, shared))])) == [(None, 3.0)]


def test_shared_files_are_deleted(tmp_path: object) -> None:
    engine = LocalEngine(1)
    shared = engine.share([1, 2])
    assert shared.get() == [1, 2]
    folder = engine._files._folder
    assert folder is not None
    assert folder.exists()
    engine.close()
    assert not folder.exists()


def test_the_functions_run_in_other_processes() -> None:
    import os

    found = {process for _, process in LocalEngine(1).map(process_id, [(None, (1,))])}
    assert os.getpid() not in found
