"""Figures of link graphs that are small enough to check by hand."""

from collections import Counter

import numpy as np
import pytest

from qtgen.linking.graph import Graph, PageNode, build_graph
from qtgen.linking.links import LinkFault, Links


def links(*pairs: tuple[int, int], dangling: tuple[int, ...] = ()) -> Links:
    """Return good links between pages, and one dangling link for each page of `dangling`."""
    rows = [(source, target, LinkFault.NONE) for source, target in pairs]
    rows += [(source, -1, LinkFault.DANGLING) for source in dangling]
    slots: Counter[int] = Counter()
    columns: list[list[int]] = [[], [], [], []]
    for source, target, fault in rows:
        for column, value in zip(columns, (source, slots[source], target, fault), strict=True):
            column.append(value)
        slots[source] += 1
    return Links(*(np.array(column, np.int32) for column in columns))


def node(name: str, subject: str, number: int | None, *, linkable: bool = True) -> PageNode:
    return PageNode(f"/{name}", subject, subject.lower(), number, linkable)


# a -> b -> c -> b; nothing leads to d or from it.
NODES = [node("a", "X", 1), node("b", "Y", 2), node("c", "Y", 3), node("d", "X", 4)]
GRAPH = build_graph(NODES, links((0, 1), (1, 2), (2, 1), dangling=(2,)))


def test_links_pages_and_faults_are_counted() -> None:
    assert (GRAPH.pages, GRAPH.links, GRAPH.broken, GRAPH.faults["dangling"]) == (4, 4, 1, 1)
    assert list(GRAPH.faults) == ["dangling", "to_self", "repeated", "to_no_index", "mismatched"]


def test_orphans_and_inbound_links_are_counted() -> None:
    assert (GRAPH.orphans, GRAPH.without_links) == (2, 1)
    assert GRAPH.linked_to == {0: 2, 1: 1, 2: 1}
    assert GRAPH.max_inbound == 2


def test_components_ignore_the_direction_of_links() -> None:
    assert GRAPH.components == [3, 1]
    assert GRAPH.largest_component == 3


def test_subjects_say_how_far_a_reader_gets_from_their_first_page() -> None:
    assert [(subject.name, subject.start, subject.reached, subject.reached_anywhere) for subject in GRAPH.subjects] == [
        ("X", "/a", 1, 3),
        ("Y", "/b", 2, 2),
    ]
    assert [subject.share for subject in GRAPH.subjects] == [0.5, 1.0]


def test_links_between_subjects_are_counted() -> None:
    assert GRAPH.matrix == [[0, 1], [0, 2]]
    assert GRAPH.cross_subject == pytest.approx(1 / 3)


def test_a_page_without_an_id_comes_last_and_the_url_decides_between_equal_ids() -> None:
    nodes = [node("c", "X", None), node("b", "X", 5), node("a", "X", 5)]
    assert build_graph(nodes, links()).subjects[0].start == "/a"


def test_the_most_common_spelling_names_a_subject() -> None:
    nodes = [node("a", "physics", 1), node("b", "Physics", 2), node("c", "Physics", 3)]
    (subject,) = build_graph(nodes, links()).subjects
    assert (subject.name, subject.pages) == ("Physics", 3)


def test_pages_that_are_not_linkable_are_no_orphans() -> None:
    nodes = [node("a", "X", 1), node("b", "X", 2, linkable=False)]
    assert build_graph(nodes, links()).orphans == 1


def test_pages_without_a_url_do_not_count() -> None:
    graph = build_graph([None, node("b", "X", 2)], links())
    assert (graph.pages, graph.orphans, graph.components, graph.linked_to) == (1, 1, [1], {0: 1})


def test_a_graph_without_pages_has_figures_too() -> None:
    graph = build_graph([], links())
    assert (graph.pages, graph.components, graph.subjects, graph.matrix, graph.cross_subject) == (0, [], [], [], 0.0)
    assert (graph.largest_component, graph.max_inbound, graph.inbound_quantile(0.5)) == (0, 0, 0)
    assert graph.is_sound


@pytest.mark.parametrize(
    ("pairs", "dangling", "count", "sound"),
    [
        ([(0, 1), (1, 0)], (), 2, True),
        ([(0, 1)], (), 2, False),
        ([(0, 1), (1, 0)], (0,), 2, False),
        ([], (), 1, True),
        ([], (0,), 1, False),
    ],
    ids=["all linked", "an orphan", "a broken link", "a single page", "a single page with a broken link"],
)
def test_a_graph_is_sound_without_broken_links_and_orphans(
    pairs: list[tuple[int, int]], dangling: tuple[int, ...], count: int, sound: bool
) -> None:
    nodes = [node(str(number), "X", number) for number in range(count)]
    assert build_graph(nodes, links(*pairs, dangling=dangling)).is_sound == sound


def test_a_long_chain_and_more_than_64_subjects_are_followed_to_the_end() -> None:
    nodes = [node(f"{number:03}", f"S{number:03}", number) for number in range(150)]
    graph = build_graph(nodes, links(*((number, number + 1) for number in range(149))))
    assert [subject.reached_anywhere for subject in graph.subjects] == list(range(150, 0, -1))
    assert [subject.reached for subject in graph.subjects] == [1] * 150
    assert graph.components == [150]


@pytest.mark.parametrize(("share", "count"), [(0.5, 0), (0.51, 1), (0.9, 2), (1.0, 2)])
def test_quantiles_of_inbound_links(share: float, count: int) -> None:
    """Half of the pages have no inbound link, a quarter has one and a quarter two."""
    assert GRAPH.inbound_quantile(share) == count


def test_the_json_document_has_the_promised_keys() -> None:
    document = GRAPH.as_dict()
    assert list(document) == [
        *("pages", "links", "faults", "orphans", "without_links", "linked_to", "components", "subjects", "matrix"),
        *("broken", "cross_subject", "inbound"),
    ]
    assert document["linked_to"] == {"0": 2, "1": 1, "2": 1}
    assert document["components"] == {"count": 2, "largest": 3}
    assert document["inbound"] == {"median": 0, "p90": 2, "p99": 2, "max": 2}
    assert document["subjects"][0] == {"name": "X", "pages": 2, "start": "/a", "reached": 1, "reached_anywhere": 3}
    assert document["cross_subject"] == 0.3333


def test_figures_do_not_depend_on_the_order_of_links() -> None:
    shuffled = build_graph(NODES, links((2, 1), (0, 1), (1, 2), dangling=(2,)))
    assert isinstance(shuffled, Graph)
    assert shuffled == GRAPH
