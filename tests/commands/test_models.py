"""`qtgen models`: listing, fetching, choosing, and the path for scripts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.commands import models
from qtgen.errors import ModelError
from qtgen.llm.local.table import load_table
from support.extras import run_with_extras

Run = Callable[..., tuple[int, str, str]]
NAME = "qwen2.5-1.5b-instruct"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty cache, beside the project's folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def put(cache: Path, name: str = NAME) -> Path:
    """Put a file into the cache as `fetch` does."""
    folder = cache / "qtgen" / "models" / name
    folder.mkdir(parents=True)
    file = folder / "model.gguf"
    file.write_bytes(b"GGUF")
    record = {"file": str(file), "size": 4, "sha256": "0" * 64, "commit": "main", "source": "somewhere"}
    (folder / "record.json").write_text(json.dumps(record))
    return file


def rows(out: str) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(out)}


def test_the_list_shows_what_is_fetched_and_in_use(qtgen: Run, cache: Path) -> None:
    file = put(cache)
    Path("qtgen.toml").write_text(f'local_model = "{NAME}"\n')
    code, out, _ = qtgen("models", "list", "--json")
    assert code == 0
    assert list(rows(out)) == list(load_table().models)
    row = rows(out)[NAME]
    assert (row["fetched"], row["path"], row["in_use"], row["default"]) == (True, str(file), True, False)
    assert (row["size"], row["license"], row["parameters"]) == (1_117_320_736, "Apache-2.0", "1.5B")
    other = rows(out)["smollm2-135m-instruct"]
    assert (other["fetched"], other["path"], other["in_use"], other["default"]) == (False, None, False, True)
    out = qtgen("models", "list")[1]
    assert [line.split()[1:4] for line in out.splitlines() if line.startswith(NAME)] == [["fetched,", "in", "use"]]
    assert "1.1 GB" in out


def test_the_list_survives_a_damaged_record(qtgen: Run, cache: Path) -> None:
    put(cache).with_name("record.json").write_text('{"file": 5, "size": "abc"}')
    code, out, err = qtgen("models", "list", "--json")
    assert (code, rows(out)[NAME]["fetched"], err) == (0, False, "")


def test_the_list_says_that_a_file_is_in_use(qtgen: Run) -> None:
    Path("qtgen.toml").write_text('local_model = "mine.gguf"\n')
    code, out, err = qtgen("models", "list")
    assert (code, "in use" in out, err) == (0, False, "`local_model` is the file mine.gguf\n")


def test_use_changes_one_line_of_the_nearest_file(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = "# mine\nsubject = 'Physics' # s\nlocal_model = \"old.gguf\" # l\n\n[request]\na=1\n"
    Path("qtgen.toml").write_text(before)
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    code, out, err = qtgen("models", "use", NAME)
    assert code == 0
    assert out.startswith("changed ")
    assert out.endswith(f'qtgen.toml: local_model = "{NAME}"\n')
    assert err == f"{NAME} is not on this machine yet; run `qtgen models fetch {NAME}` (1.1 GB)\n"
    assert Path("../qtgen.toml").read_text() == before.replace("old.gguf", NAME)
    assert not Path("qtgen.toml").exists()
    assert rows(qtgen("models", "list", "--json")[1])[NAME]["in_use"] is True, "the name holds in a subfolder too"
    assert qtgen("models", "use", NAME)[1].startswith("unchanged ")


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_a_name_wins_over_what_lies_beside_the_file(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    Path("qtgen.toml").write_text(f'local_model = "{NAME}"\n')
    make(Path(NAME))
    Path("sub").mkdir()
    assert rows(qtgen("models", "list", "--json")[1])[NAME]["in_use"] is True
    monkeypatch.chdir("sub")
    assert rows(qtgen("models", "list", "--json")[1])[NAME]["in_use"] is True


def test_use_creates_a_file(qtgen: Run, cache: Path) -> None:
    put(cache)
    assert qtgen("models", "use", NAME) == (0, f'created qtgen.toml: local_model = "{NAME}"\n', "")
    assert Path("qtgen.toml").read_text() == f'local_model = "{NAME}"\n'


def test_use_says_what_keeps_the_model_from_being_used(
    qtgen: Run, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache)
    monkeypatch.setenv("QTGEN_LOCAL_MODEL", "other.gguf")
    Path("qtgen.toml").write_text('provider = "openai"\n')
    assert qtgen("models", "use", NAME)[2].splitlines() == [
        "the environment variable QTGEN_LOCAL_MODEL overrides it with other.gguf",
        "requests go to the provider `openai`; add --provider local to use the model",
    ]


@pytest.mark.parametrize(
    ("contents", "words"),
    [(b"a = \n", "qtgen.toml: is not valid TOML: "), (b"\xff\n", "qtgen.toml: cannot be read: ")],
)
def test_use_leaves_an_invalid_file_alone(qtgen: Run, contents: bytes, words: str) -> None:
    Path("qtgen.toml").write_bytes(contents)
    code, out, err = qtgen("models", "use", NAME)
    assert (code, out) == (2, "")
    assert words in err
    assert Path("qtgen.toml").read_bytes() == contents
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("subcommand", ["fetch", "use", "path"])
def test_an_unknown_name_has_a_suggestion(qtgen: Run, subcommand: str) -> None:
    expected = "qtgen: no such model `qwen2.5-1.5b`; did you mean `qwen2.5-1.5b-instruct`?\n"
    assert qtgen("models", subcommand, "qwen2.5-1.5b") == (2, "", expected)
    assert not Path("qtgen.toml").exists()


@pytest.mark.parametrize("subcommand", ["fetch", "use", "path"])
def test_an_empty_name_is_unknown(qtgen: Run, subcommand: str) -> None:
    Path("qtgen.toml").write_text("# mine\n")
    expected = f"qtgen: no such model ``; the models are {', '.join(load_table().models)}\n"
    assert qtgen("models", subcommand, "") == (2, "", expected)
    assert Path("qtgen.toml").read_text() == "# mine\n"


def test_the_path_is_printed_for_scripts(qtgen: Run, cache: Path) -> None:
    file = put(cache)
    assert qtgen("models", "path", NAME) == (0, f"{file}\n", "")
    Path("qtgen.toml").write_text(f'local_model = "{NAME}"\n')
    assert qtgen("models", "path") == (0, f"{file}\n", "")
    Path("mine.gguf").touch()
    Path("qtgen.toml").write_text('local_model = "mine.gguf"\n')
    assert qtgen("models", "path") == (0, "mine.gguf\n", "")


UNKNOWN = "neither a known model nor a GGUF file; "


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("qwen2.5-1.5b", f"qwen2.5-1.5b is {UNKNOWN}did you mean `{NAME}`?"),
        ("", f'"" is {UNKNOWN}the models are {", ".join(load_table().models)}'),
        ("mine.gguf", "no such model file: "),
    ],
)
def test_an_error_names_the_file_that_the_setting_came_from(qtgen: Run, value: str, words: str) -> None:
    Path("qtgen.toml").write_text(f'local_model = "{value}"\n')
    code, out, err = qtgen("models", "path")
    assert (code, out) == (2, "")
    assert err.startswith(f"qtgen: {Path.cwd() / 'qtgen.toml'}: `local_model`: {words}")


def test_an_error_names_the_variable_that_overrides_the_file(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("qtgen.toml").write_text(f'local_model = "{NAME}"\n')
    monkeypatch.setenv("QTGEN_LOCAL_MODEL", "qwen2.5-1.5b")
    expected = f"qtgen: QTGEN_LOCAL_MODEL: qwen2.5-1.5b is {UNKNOWN}did you mean `{NAME}`?\n"
    assert qtgen("models", "path") == (2, "", expected)
    assert qtgen("models", "list") == (2, "", expected)


def test_the_path_of_a_model_that_is_not_there(qtgen: Run) -> None:
    message = f"qtgen: the model {NAME} is not on this machine; run `qtgen models fetch {NAME}`\n"
    assert qtgen("models", "path", NAME) == (1, "", message)
    Path("qtgen.toml").write_text('local_model = "mine.gguf"\n')
    code, _, err = qtgen("models", "path")
    assert (code, "no such model file: mine.gguf" in err) == (2, True)


def test_generating_with_a_model_that_is_not_there(qtgen: Run) -> None:
    Path("q.txt").write_text("Why is the sky blue?\n")
    Path("qtgen.toml").write_text(f'local_model = "{NAME}"\nprovider = "local"\nsubject = "Physics"\n')
    code, _, err = qtgen("generate", "q.txt")
    assert code == 1
    assert f"the model {NAME} is not on this machine; run `qtgen models fetch {NAME}`" in err


def test_fetch_prints_the_path(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "fetch", lambda environ, name, **options: Path(f"/cache/{name}.gguf"))
    code, out, err = qtgen("models", "fetch", NAME)
    assert (code, out) == (0, f"/cache/{NAME}.gguf\n")
    assert err.startswith(f"fetching {NAME} (1.1 GB, Apache-2.0) from Qwen/")


def test_fetch_says_that_it_waits(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(environ: object, name: str, *, on_wait: Callable[[], None], progress: bool) -> Path:
        on_wait()
        return Path(name)

    monkeypatch.setattr(models, "fetch", fetch)
    assert qtgen("models", "fetch", NAME)[2].splitlines()[-1] == "another process is fetching it; waiting"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ModelError("it failed", remedy="do this"), 1, "qtgen: it failed; do this\n"),
        (KeyboardInterrupt(), 130, f"qtgen: fetching {NAME} was interrupted; run the same command again to resume\n"),
    ],
)
def test_a_fetch_that_fails_is_one_line(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def fetch(*_: object, **options: object) -> Path:
        raise error

    monkeypatch.setattr(models, "fetch", fetch)
    assert qtgen("models", "fetch", NAME, "--quiet") == (code, "", words)


def test_a_missing_extra_is_named_in_one_line() -> None:
    process = run_with_extras(["generate"], "models", "list")
    assert (process.returncode, process.stdout) == (2, "")
    assert "needs the `local` extra (filelock is not installed); run `pip install 'qtgen[local]'`" in process.stderr


def test_without_the_hub_extra_everything_but_fetching_works() -> None:
    assert run_with_extras(["local"], "models", "list").returncode == 0
    process = run_with_extras(["local"], "models", "fetch", NAME)
    assert (process.returncode, process.stdout) == (2, "")
    expected = f"qtgen: fetching {NAME} needs the `hub` extra (huggingface_hub is not installed); run `pip install"
    assert process.stderr.splitlines()[-1].startswith(expected)
