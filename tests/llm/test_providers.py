"""The registry of providers, and the functions that open them."""

import asyncio
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from qtgen._util import plugins
from qtgen._util.concurrency import Stop
from qtgen.errors import Interrupted, PluginError, SettingsError
from qtgen.llm import Completion, Usage, open_clients, open_providers, provider, providers
from qtgen.llm.factory import concurrency, endpoints_for, ledger_url
from qtgen.llm.types import AnswerFormat, Prompt, PromptStyle
from qtgen.settings import Price, Settings
from support.senders import ScriptedSender, SlowSender, answer


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers that a test registers go with the test."""
    providers._load_builtin()
    monkeypatch.setattr(providers, "_REGISTRY", dict(providers._REGISTRY))


def test_the_provider_in_force() -> None:
    assert providers.provider_name(Settings()) == "local"
    assert providers.provider_name(Settings(base_url="http://x/v1")) == "openai"
    assert providers.provider_name(Settings(api_key=SecretStr("sk-1"))) == "openai"
    assert providers.provider_name(Settings(api_key=SecretStr("sk-1"), provider="local")) == "local"
    assert endpoints_for(Settings())[0].cost(1, 1, 0) == 0.0
    assert (concurrency(Settings()), concurrency(Settings(base_url="http://x/v1"))) == (2, 64)
    assert concurrency(Settings(concurrency=7)) == 7


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(SettingsError, match="the provider `openai` needs a key") as caught:
        endpoints_for(Settings(provider="openai"))
    assert caught.value.setting == "api_key"


def test_endpoints_have_what_the_settings_say() -> None:
    settings = Settings(
        base_url="http://x/v1",
        model=("a", "gpt-4o-mini"),
        headers={"X-Team": "editors"},
        timeout=9.0,
        prices={"a": Price(input=1.0, output=2.0, cached_input=0.5)},
    )
    first, second = endpoints_for(settings)
    assert (first.model, first.headers, first.timeout, first.price_cached) == ("a", {"X-Team": "editors"}, 9.0, 0.5)
    assert (second.model, second.price_input) == ("gpt-4o-mini", 0.15)


SCHEMA, OBJECT, MARKDOWN = (PromptStyle(AnswerFormat(name)) for name in ("json_schema", "json_object", "markdown"))
SHORT = PromptStyle(AnswerFormat.MARKDOWN, is_short=True)


@pytest.mark.parametrize(
    ("answer_format", "short_prompts", "remote", "local"),
    [
        (None, None, SCHEMA, SHORT),
        (None, False, SCHEMA, MARKDOWN),
        (None, True, SHORT, SHORT),
        ("json_schema", None, SCHEMA, SCHEMA),
        ("json_schema", False, SCHEMA, SCHEMA),
        ("json_object", None, OBJECT, OBJECT),
        ("json_object", False, OBJECT, OBJECT),
        ("markdown", None, MARKDOWN, SHORT),
        ("markdown", False, MARKDOWN, MARKDOWN),
        ("markdown", True, SHORT, SHORT),
    ],
)
def test_the_style_follows_the_settings_and_then_the_provider(
    answer_format: Any, short_prompts: bool | None, remote: PromptStyle, local: PromptStyle
) -> None:
    chosen = {"answer_format": answer_format, "short_prompts": short_prompts}
    assert endpoints_for(Settings(base_url="http://x/v1", **chosen))[0].style == remote
    assert endpoints_for(Settings(provider="local", **chosen))[0].style == local


@pytest.mark.parametrize("answer_format", ["json_schema", "json_object"])
@pytest.mark.parametrize("provider_of", [{"base_url": "http://x/v1"}, {"provider": "local"}])
def test_short_prompts_need_markdown(answer_format: Any, provider_of: dict[str, str]) -> None:
    with pytest.raises(
        SettingsError, match='short prompts ask for Markdown; set `answer_format = "markdown"`'
    ) as caught:
        endpoints_for(Settings(answer_format=answer_format, short_prompts=True, **provider_of))
    assert caught.value.setting == "short_prompts"


def test_a_grammar_is_sent_only_if_the_settings_or_the_provider_say_so() -> None:
    assert not endpoints_for(Settings(base_url="http://x/v1"))[0].sends_grammar
    assert endpoints_for(Settings(base_url="http://x/v1", grammar=True))[0].sends_grammar
    assert endpoints_for(Settings(provider="local"))[0].sends_grammar


def test_an_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="unknown provider `opnai`; did you mean `openai`") as caught:
        endpoints_for(Settings(provider="opnai"))
    assert caught.value.setting == "provider"
    with pytest.raises(SettingsError, match="the providers are local, openai"):
        endpoints_for(Settings(provider="zzz"))


def test_a_registered_function_gets_the_whole_stack_around_its_sender(prompt: Prompt) -> None:
    @provider("echo", concurrency=3)
    def connect(settings: Settings, endpoint: Any) -> ScriptedSender:
        return ScriptedSender(answer(endpoint.model))

    settings = Settings(provider="echo", model=("one", "two"))

    async def main() -> list[str]:
        async with open_clients(settings) as clients:
            return [f"{client.name} {(await client.complete(prompt)).text}" for client in clients]

    assert asyncio.run(main()) == ["echo one", "echo two"]
    assert concurrency(settings) == 3


def test_a_connection_is_closed_at_the_end() -> None:
    events = []

    @provider("managed")
    @asynccontextmanager
    async def connect(settings: Settings, endpoint: Any) -> Any:
        events.append("open")
        yield ScriptedSender()
        events.append("closed")

    async def main() -> None:
        async with open_clients(Settings(provider="managed")):
            events.append("used")

    asyncio.run(main())
    assert events == ["open", "used", "closed"]


def test_an_entry_point_registers_a_provider(monkeypatch: pytest.MonkeyPatch, prompt: Prompt) -> None:
    def connect(settings: Settings, endpoint: Any) -> ScriptedSender:
        return ScriptedSender(answer("installed"))

    point = EntryPoint("mine", "package:connect", providers.GROUP)
    monkeypatch.setattr(
        plugins, "installed", lambda group: iter([(point, connect)] if group == providers.GROUP else [])
    )

    async def main() -> str:
        async with open_clients(Settings(provider="mine")) as [client]:
            return (await client.complete(prompt)).text

    assert asyncio.run(main()) == "installed"


def test_a_plugin_file_registers_a_provider(tmp_path: Path, prompt: Prompt) -> None:
    file = tmp_path / "my_provider.py"
    file.write_text(
        "from qtgen.llm import Completion, Usage, provider\n"
        "class Echo:\n"
        "    async def send(self, request):\n"
        "        return Completion('from a file', 'echo-1', Usage())\n"
        "@provider('filed')\n"
        "def connect(settings, endpoint):\n"
        "    return Echo()\n"
    )
    providers._load_plugins([file])

    async def main() -> Completion:
        async with open_clients(Settings(provider="filed")) as [client]:
            return await client.complete(prompt)

    found = asyncio.run(main())
    assert (found.text, found.model, found.usage) == ("from a file", "echo-1", Usage())


def test_a_built_in_provider_cannot_be_replaced() -> None:
    with pytest.raises(PluginError, match="the provider `openai` is built in; choose another name"):
        provider("openai")(lambda settings, endpoint: ScriptedSender())


def test_providers_for_a_library_have_the_ledger(prompt: Prompt) -> None:
    senders = []

    @provider("echo")
    def connect(settings: Settings, endpoint: Any) -> ScriptedSender:
        senders.append(ScriptedSender(answer("so")))
        return senders[-1]

    async def main(*, fresh: bool) -> Completion:
        async with open_providers(Settings(provider="echo"), fresh=fresh) as [client]:
            return await client.complete(prompt)

    results = [asyncio.run(main(fresh=fresh)) for fresh in (False, False, True)]
    assert [(found.text, found.reused) for found in results] == [("so", False), ("so", True), ("so", False)]
    assert [len(sender.requests) for sender in senders] == [1, 0, 1]
    assert Path(".qtgen/ledger.sqlite").exists()


def test_the_ledger_lies_beside_the_settings_file() -> None:
    Path("qtgen.toml").write_text("")
    assert Path(ledger_url(Settings())) == Path.cwd() / ".qtgen" / "ledger.sqlite"
    assert ledger_url(Settings(ledger="postgresql://h/x")) == "postgresql://h/x"


def test_a_stop_reaches_requests_that_wait_for_a_slot(prompt: Prompt) -> None:
    slow = SlowSender(0.2)

    @provider("slow", concurrency=2)
    def connect(settings: Settings, endpoint: Any) -> SlowSender:
        return slow

    async def main() -> list[Any]:
        stop = Stop()
        async with open_clients(Settings(provider="slow"), stop=stop) as [client]:
            await client.complete(prompt)  # the first one has a head start
            tasks = [asyncio.create_task(client.complete(prompt)) for _ in range(6)]
            await asyncio.sleep(0.05)
            stop.request()
            return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(main())
    assert [type(result) for result in results] == [Completion] * 2 + [Interrupted] * 4
    assert len(slow.sent) == slow.finished == 3
