"""Find the questions that the site already has word for word, or whose page has the URL of a live one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from qtgen.generation.places import Places
from qtgen.generation.plan import Row
from qtgen.generation.types import Question
from qtgen.page import Page
from qtgen.page.invisible import normalize

_END_MARKS = "?!.… ¿¡？！。"  # no slug has them


def question_key(text: str) -> str:
    """Return what is equal for questions that read the same: without case, invisible characters and end marks."""
    return normalize(text).lower().strip(_END_MARKS)


@dataclass(slots=True)
class SitePages:
    """The pages of the site by their URLs and questions, as hashes. A page is its number, in the order of adding.

    Args:
        places: Where the pages of questions go.
        urls: The first page with each URL.
        questions: The first page with each question under each subject.
        texts: The first page with each question under any subject.
    """

    places: Places
    urls: dict[int, int] = field(default_factory=dict)
    questions: dict[int, int] = field(default_factory=dict)
    texts: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def add(self, page: Page) -> None:
        """Add the next page."""
        roles, slug = page.layout.roles, page.layout.slug
        title, subject = page.text_of(roles.question) or "", page.text_of(roles.subject or "") or ""
        number = self.count
        self.count += 1
        if roles.key and (url := page.values.get(roles.key)) is not None:
            self.urls.setdefault(hash(str(url)), number)
        if key := question_key(title):
            self.questions.setdefault(hash((key, slug(subject))), number)
            self.texts.setdefault(hash(key), number)

    def find(self, question: Question) -> tuple[int, bool] | None:
        """Return the page that has a question's URL or its words, and whether it is under the same subject."""
        key = question_key(question.text)
        same_page = self.urls.get(hash(self.places.key(question)))
        if same_page is None and key:
            same_page = self.questions.get(hash((key, self.places.layout.slug(question.subject))))
        if same_page is not None:
            return same_page, True
        other = self.texts.get(hash(key)) if key else None
        return None if other is None else (other, False)


def site_duplicates(
    site: SitePages, paths: Sequence[str], rows: Iterable[Row], exists: Callable[[Question], bool]
) -> dict[int, str]:
    """Return why each row that the site already has is a duplicate, by its number.

    Args:
        site: The pages of the site.
        paths: Their paths.
        rows: Every row of the question files.
        exists: Tells whether the page of a question was already written. Such a row is no duplicate: it is finished.
    """
    reasons = {}
    for number, row in enumerate(rows):
        found = site.find(row) if isinstance(row, Question) else None
        if found and isinstance(row, Question) and not exists(row):
            page, is_same_page = found
            what = "page" if is_same_page else "question, under another subject"
            reasons[number] = f"the site already has this {what}: {paths[page]}"
    return reasons
