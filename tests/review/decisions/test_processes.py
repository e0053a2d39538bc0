"""Two servers on the same pages, which only happens against the rules: every change builds on the one before it."""

import json
import subprocess
import sys
from pathlib import Path

from qtgen.generation.output import OutputFolder
from qtgen.page.profile import default_profile
from qtgen.review.files import read_page_file
from support.default_tables import read
from support.pages import LONG_DESCRIPTION, page_path, write_site
from support.reviews import DESCRIPTION, url_of

_EDIT = """
import datetime as dt, json, sys, uuid
from pathlib import Path
from qtgen.errors import PageConflict
from qtgen.generation.config import generation_config
from qtgen.generation.decisions import Action
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import default_profile
from qtgen.review.decisions.actions import Actions
from qtgen.review.types import ActionRequest
from qtgen.settings import Settings

name, path, url, field, text = sys.argv[1:]
store = OutputFolder(Path("out"))
config = generation_config(Settings(), dt.date(2026, 11, 27), default_profile())
actions = Actions(store, store.decision_log(), config, folders=[Path("site")])
print("ready", flush=True)
sys.stdin.readline()
done, number = 0, 0
while done < 15:
    number += 1
    fields = {field: f"{text} {name} {number}."}
    try:
        digest = actions.show(Path(path)).digest
        id = str(uuid.uuid4())
        request = ActionRequest(id=id, who=name, action=Action.EDIT, url=url, file_digest=digest, fields=fields)
        actions.perform(request, Path(path))
        done += 1
    except PageConflict:
        pass
print(json.dumps(number), flush=True)
"""


def test_every_change_of_two_processes_builds_on_the_one_before() -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    first = read_page_file(Path(page_path()), default_profile()).digests["seo"]
    arguments = (page_path(), url_of(), DESCRIPTION, LONG_DESCRIPTION[:60])
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", _EDIT, name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("ada", "bob")
    ]
    for server in servers:
        assert server.stdout
        assert server.stdout.readline() == "ready\n"
    for server in servers:
        assert server.stdin
        server.stdin.write("\n")
        server.stdin.flush()
    for server in servers:
        out, err = server.communicate(timeout=60)
        assert (server.returncode, err) == (0, "")
        assert json.loads(out) >= 15
    log = OutputFolder(Path("out")).decision_log()
    assert (len(log), log.problems) == (30, ())
    last = read_page_file(Path(page_path()), default_profile()).digests["seo"]
    before, after = [one.texts["seo"] for one in log], [one.after["seo"] for one in log]
    assert len(set(after)) == 30
    assert sorted([*before, last]) == sorted([first, *after]), "no change is lost, and none was made twice"
    assert not read(Path(page_path()).read_bytes()).problems
