"""An endpoint on this machine that writes pages about osmosis and judges them, in any of the ways that judges fail."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import points_json
from support.endpoint import FakeEndpoint, Reply, fake_endpoint

PRICES = '[prices."m"]\ninput = 1000.0\noutput = 1000.0\n[prices."j"]\ninput = 1000.0\noutput = 1000.0\n'
"""Every response costs $0.15, because it has 100 and 50 tokens."""
COST = 0.15


class Judges:
    """How the endpoint replies to judges' requests.

    Attributes:
        mode: `ok`, or how a response is wrong: `prose`, `fence`, `extra`, `ten`, `garbage`, `once` (garbage, then a
            readable response to the retry), or the number of an HTTP status.
        after: The number of judges' requests that are answered well before the mode counts.
        vary: Whether the marks depend on the seed.
    """

    def __init__(self) -> None:
        self.mode = "ok"
        self.after = 0
        self.vary = False
        self.bodies: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def reply(self, body: dict[str, Any]) -> Reply:
        """Return the reply to a request: a page, or a judgement."""
        name = body.get("response_format", {}).get("json_schema", {}).get("name", "")
        if not name.startswith("judge_"):
            return Reply(points_json())
        with self._lock:
            self.bodies.append(body)
            number = len(self.bodies)
        mode = "ok" if number <= self.after else self.mode
        if mode.isdigit():
            return Reply(status=int(mode))
        if mode == "garbage" or (mode == "once" and "<faults>" not in body["messages"][-1]["content"]):
            return Reply("I think the answer is good. 5/5")
        written = json.dumps(self._judgement(body, name, mode))
        return Reply({"prose": f"My evaluation: {written}", "fence": f"```json\n{written}\n```"}.get(mode, written))

    def _judgement(self, body: dict[str, Any], name: str, mode: str) -> dict[str, Any]:
        further = {"overall": 4} if mode == "extra" else {}
        if name == "judge_claims_answer":
            lines = body["messages"][-1]["content"].partition("\n>>>")[0].splitlines()[2:]
            return {"verdicts": ["made"] * len(lines), **further}
        if name == "judge_pair_answer":
            return {"reasons": "r", "better": "first", **further}
        mark = 9 if mode == "ten" else 3 + body["seed"] % 3 if self.vary else 5
        return {"reasons": "It is right.", "correctness": mark, "completeness": 5, "clarity": 5, **further}


@contextmanager
def judge_endpoint(suite: Path, project: Path, settings: str = PRICES) -> Iterator[tuple[FakeEndpoint, Judges]]:
    """Run the endpoint, and let a copied suite without a baseline send its requests there."""
    judges = Judges()
    with fake_endpoint(judges.reply) as endpoint:
        text = f'provider = "openai"\nmodel = "m"\nprompt = "explain"\nbase_url = "{endpoint.address}"\n'
        (suite / "suite.toml").write_text(text)
        (suite / "baseline.json").unlink()
        (project / "qtgen.toml").write_text(settings)
        yield endpoint, judges
