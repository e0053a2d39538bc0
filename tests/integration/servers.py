"""Real OpenAI-compatible servers on the loopback interface, each in an environment of its own.

`make servers` runs this module, which installs the environments into `.cache/servers/`. The tests skip without them.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "servers"
# llama-cpp-python is compiled, which takes about seven minutes on two CPUs.
REQUIREMENTS = {
    "litellm": ["litellm[proxy]==1.108.7"],
    "llama-cpp-python": ["llama-cpp-python[server]==0.3.36"],
}
_BUILD = {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TOOLS=OFF"}
_START_SECONDS = 120
_STOP_SECONDS = 10


class MissingServer(Exception):
    """A server's environment is not installed."""


def install(name: str) -> None:
    """Install a server, unless it is there."""
    folder = FOLDER / name
    if (folder / ".ready").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *REQUIREMENTS[name]], check=True, env={**os.environ, **_BUILD})
    (folder / ".ready").touch()


@contextlib.contextmanager
def litellm_proxy(upstream: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Run the LiteLLM proxy in front of an endpoint and yield its base URL and its key. It offers the model `m`."""
    config = folder / "litellm.yaml"
    parameters = {"model": "openai/m", "api_base": upstream, "api_key": "sk-upstream"}
    settings = {
        "model_list": [{"model_name": "m", "litellm_params": parameters}],
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }
    config.write_text(json.dumps(settings))
    port, key = free_port(), f"sk-{secrets.token_hex(32)}"
    arguments = ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # Without the first variable, it reads its price list from the internet.
    variables = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1", "LITELLM_MASTER_KEY": key}
    with _running("litellm", arguments, variables, folder, f"http://127.0.0.1:{port}/health/liveliness"):
        yield f"http://127.0.0.1:{port}/v1", key


@contextlib.contextmanager
def llama_cpp_python(model: Path, folder: Path) -> Iterator[str]:
    """Run the server of llama-cpp-python with a GGUF file and yield its base URL. It offers the model `m`."""
    port = free_port()
    arguments = [
        "python", "-m", "llama_cpp.server", "--model", str(model), "--model_alias", "m", "--host", "127.0.0.1",
        "--port", str(port), "--n_ctx", "8192",
    ]  # fmt: skip
    with _running("llama-cpp-python", arguments, {}, folder, f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}/v1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _running(name: str, arguments: list[str], variables: Mapping[str, str], folder: Path, probe: str) -> Iterator[None]:
    """Run a server until the block ends.

    Args:
        probe: An address that answers once the server is ready.
    """
    if not (FOLDER / name / ".ready").exists():
        raise MissingServer(f"{name} is not installed; `make servers` installs it")
    program = FOLDER / name / "bin" / arguments[0]
    with (folder / f"{name}.log").open("w+") as log:
        process = subprocess.Popen(
            [program, *arguments[1:]], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            env={**os.environ, **variables},
        )  # fmt: skip
        try:
            _wait(process, probe, Path(log.name))
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", probe: str, log: Path) -> None:
    """Wait until an address answers. Raises RuntimeError with the end of the log if it does not."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(probe, timeout=5):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


if __name__ == "__main__":
    for server in REQUIREMENTS:
        install(server)
        sys.stdout.write(f"{server}: {FOLDER / server}\n")
