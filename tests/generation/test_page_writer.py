"""Pages that finish while others are being written are written together."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from qtgen.errors import OutputError
from qtgen.generation import page_writer
from qtgen.generation.output import OutputFolder
from qtgen.generation.page_writer import PageWriter
from qtgen.generation.types import Draft


def draft(number: int) -> Draft:
    return Draft(f"out/biology/{number}.md", f"/{number}", "text", {"id": number})


class Slow(OutputFolder):
    """An output folder that waits for `proceed`, and fails for page 3."""

    def __init__(self) -> None:
        super().__init__(Path("out"))
        self.written: list[list[int]] = []
        self.has_begun, self.proceed = threading.Event(), threading.Event()

    def write_all(self, drafts: Sequence[Draft]) -> list[bool | OutputError]:
        self.written.append([int(Path(draft.path).stem) for draft in drafts])
        self.has_begun.set()
        assert self.proceed.wait(10)
        if 13 in self.written[-1]:
            raise ZeroDivisionError
        return [OutputError("full") if number == 3 else number % 2 == 0 for number in self.written[-1]]


async def start(writer: PageWriter, output: Slow, numbers: Sequence[int]) -> list[asyncio.Task[bool]]:
    """Start writing pages; the first one is on its way before the others wait."""
    tasks = [asyncio.create_task(writer.write(draft(number))) for number in numbers[:1]]
    await asyncio.to_thread(output.has_begun.wait, 10)
    tasks += [asyncio.create_task(writer.write(draft(number))) for number in numbers[1:]]
    await asyncio.sleep(0)
    return tasks


def test_pages_that_wait_are_written_together_and_an_error_fails_its_own() -> None:
    async def main() -> None:
        output = Slow()
        with PageWriter(output) as writer:
            tasks = await start(writer, output, [0, 1, 2, 3, 4])
            output.proceed.set()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert output.written == [[0], [1, 2, 3, 4]]
            assert results[:3] == [True, False, True]
            assert isinstance(results[3], OutputError)
            assert results[4] is True
            assert await writer.write(draft(6))

    asyncio.run(main())


def test_a_page_that_is_cancelled_before_its_turn_is_not_written() -> None:
    async def main() -> None:
        output = Slow()
        with PageWriter(output) as writer:
            tasks = await start(writer, output, [0, 1, 2])
            tasks[0].cancel()
            tasks[1].cancel()
            await asyncio.sleep(0)
            output.proceed.set()
            assert await tasks[2]
        assert output.written == [[0], [2]]

    asyncio.run(main())


def test_a_limited_number_of_pages_is_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_writer, "_TOGETHER", 2)

    async def main() -> None:
        output = Slow()
        with PageWriter(output) as writer:
            tasks = await start(writer, output, [0, 2, 4, 6])
            output.proceed.set()
            await asyncio.gather(*tasks)
        assert output.written == [[0], [2, 4], [6]]

    asyncio.run(main())


def test_any_other_error_reaches_all_pages() -> None:
    async def main() -> None:
        output = Slow()
        output.proceed.set()
        with PageWriter(output) as writer:
            tasks = await start(writer, output, [13])
            with pytest.raises(ZeroDivisionError):
                await tasks[0]
            assert await writer.write(draft(2))

    asyncio.run(main())


def test_a_result_that_is_missing_reaches_all_pages() -> None:
    class Short(Slow):
        def write_all(self, drafts: Sequence[Draft]) -> list[bool | OutputError]:
            return super().write_all(drafts)[:-1]

    async def main() -> None:
        output = Short()
        with PageWriter(output) as writer:
            tasks = await start(writer, output, [0, 2, 4])
            output.proceed.set()
            results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        assert [type(result) for result in results] == [ValueError] * 3

    asyncio.run(main())


def test_pages_that_wait_at_the_end_are_written() -> None:
    async def main() -> None:
        output = Slow()
        with PageWriter(output) as writer:
            tasks = await start(writer, output, [0, 2, 4])
            output.proceed.set()
        assert output.written == [[0], [2, 4]]
        assert await asyncio.wait_for(asyncio.gather(*tasks), 10) == [True] * 3
        for _ in range(2):
            with pytest.raises(RuntimeError):
                await asyncio.wait_for(writer.write(draft(6)), 10)

    asyncio.run(main())
