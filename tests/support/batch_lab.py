"""Machines that share a ledger and an endpoint with a Batch API."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from support import ROOT
from support.batch_endpoint import BatchEndpoint


@dataclass
class Machine:
    """A folder from which commands use a ledger and an endpoint."""

    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "qtgen", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@dataclass
class Lab:
    """An endpoint, a ledger, and machines that share both."""

    provider: BatchEndpoint
    url: str
    root: Path
    machines: list[Machine] = field(default_factory=list)

    def machine(self, words: list[str]) -> Machine:
        folder = self.root / f"machine{len(self.machines)}"
        folder.mkdir()
        (folder / "q.txt").write_text("".join(f"What is {word}?\n" for word in words))
        environment = {
            "OPENAI_BASE_URL": self.provider.address,
            "QTGEN_MODEL": "m",
            "QTGEN_SUBJECT": "Physics",
            "QTGEN_IGNORE": "QT6",
            "QTGEN_LEDGER": self.url,
        }
        self.machines.append(Machine(folder, environment))
        return self.machines[-1]

    def query(self, text: str) -> list[tuple[object, ...]]:
        address = self.url if "://" in self.url else f"sqlite:///{self.url}"
        engine = sa.create_engine(address.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sa.text(text))]
        engine.dispose()
        return rows
