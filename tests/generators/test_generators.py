"""The generators on their real runtimes: what PHP, Node and Python print, we accept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.access.links import parse_url
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine

GENERATORS = Path(str(files("flask_sipvault") / "generators"))
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "data" / "link-vectors.json").read_text()
)
BASE_URL = "https://vault.example.com"
SECRET = "demo-secret-not-for-production"

#: Each prints a JSON list of links, one for each [Call-ID, customer, secret, hour] of
#: the JSON list it reads. The clock and the secret stand still inside, and the secret
#: may be weak, for one of the published ones is; everything else is the generator as it
#: ships.
PHP = """
$jobs = json_decode(stream_get_contents(STDIN));
define('SIPVAULT_WEAK_SECRETS', 'true');
define('SIPVAULT_BASE_URL', 'https://vault.example.com');
$source = file_get_contents($argv[1]);
$links = [];
foreach ($jobs as $i => [$call_id, $customer, $secret, $hour]) {
    $code = "namespace Run$i;"
        . "const SIPVAULT_HMAC_SECRET = " . var_export($secret, true) . ';'
        . "const SIPVAULT_CUSTOMER_ID = 'sippulse';"
        . "function time() { return $hour * 3600 + 1799; }"
        . "function function_exists(\\$name) { return false; }"
        . preg_replace('/^<\\?php/', '', $source);
    eval($code);
    $links[] = call_user_func("Run$i\\\\sipvault_link", $call_id, null, $customer);
}
echo json_encode($links);
"""
NODE = """
const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const path = require('path').resolve(process.argv[1])
process.env.SIPVAULT_BASE_URL = 'https://vault.example.com'
process.env.SIPVAULT_WEAK_SECRETS = 'true'
console.log(JSON.stringify(jobs.map(([callId, customer, secret, hour]) => {
  process.env.SIPVAULT_HMAC_SECRET = secret
  Date.now = () => (hour * 3600 + 1799) * 1000
  delete require.cache[path]
  return require(path).sipvaultLink(callId, null, customer)
})))
"""
PYTHON = """
import json, os, sys, time
os.environ["SIPVAULT_WEAK_SECRETS"] = "true"
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
from generate_link import sipvault_link
links = []
for call_id, customer, secret, hour in json.load(sys.stdin):
    time.time = lambda: hour * 3600 + 1799.5
    links.append(sipvault_link(
        call_id, None, customer, secret, "https://vault.example.com"))
print(json.dumps(links))
"""


@dataclass(frozen=True)
class Runtime:
    """A language that a generator is written in."""

    program: str
    file: str
    driver: list[str]

    @property
    def path(self) -> str:
        return str(GENERATORS / self.file)

    def links(self, jobs: list[list[Any]]) -> list[str]:
        """What the generator makes of [Call-ID, customer, secret, hour] each."""
        done = subprocess.run(
            [*self.driver, self.path],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    def run(
        self, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The generator as a command, with nothing else in the environment."""
        return subprocess.run(
            [self.program, self.path, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **environment},
        )


@pytest.fixture(params=["php", "node", "python"])
def runtime(request: pytest.FixtureRequest, need_tool: Callable[[str], str]) -> Runtime:
    if request.param == "php":
        php = need_tool("php")
        return Runtime(php, "generate_link.php", [php, "-r", PHP, "--"])
    if request.param == "node":
        node = need_tool("node")
        return Runtime(node, "generate_link.js", [node, "-e", NODE])
    return Runtime(sys.executable, "generate_link.py", [sys.executable, "-c", PYTHON])


def test_every_vector_comes_out_as_published(runtime: Runtime) -> None:
    jobs = [
        [v["call_id"], v["customer_id"], v["secret"], v["ts_hour"]] for v in VECTORS
    ]
    field = {"php": "query_php", "js": "query_node", "py": "query_python"}
    name = field[runtime.file.rpartition(".")[2]]
    assert runtime.links(jobs) == [BASE_URL + vector[name] for vector in VECTORS]


# What a header value and a settings file can hold: no control characters, no halves of
# a character.
words = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60
).filter(lambda text: len(text.encode()) <= 512)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(words, words), min_size=1, max_size=40))
def test_any_call_id_and_customer_is_accepted_and_hashed_alike(
    runtime: Runtime, pairs: list[tuple[str, str]]
) -> None:
    hour = 495663
    jobs = [[call_id, customer, SECRET, hour] for call_id, customer in pairs]
    for link, (call_id, customer) in zip(runtime.links(jobs), pairs, strict=True):
        signer = LinkSigner(SECRET, customer_id=customer, base_url=BASE_URL)
        call_hash, query = parse_url(link)
        now = hour * 3600.0
        assert signer.verify(call_hash, query, now=now) == (customer, call_id)
        _, ours = parse_url(signer.url(call_id, now=now))
        assert query == ours


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = Flask(__name__, instance_path=str(tmp_path))
    app.config.update(
        SIPVAULT_CUSTOMER_ID="acme", SIPVAULT_HMAC_SECRET="s3cr3t & ✓ of us"
    )
    SIPVault(app)
    return app


def printed_link(runtime: Runtime, call_id: str, customer: str) -> str:
    done = runtime.run(
        call_id,
        customer,
        SIPVAULT_BASE_URL="http://localhost/",
        SIPVAULT_HMAC_SECRET="s3cr3t & ✓ of us",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def open_link(app: Flask, link: str) -> int:
    parts = urlsplit(link)
    return app.test_client().get(f"{parts.path}?{parts.query}").status_code


def test_what_it_prints_opens_a_stored_call(runtime: Runtime, app: Flask) -> None:
    call_id = "1+1/2 ä&<'\">@example.com"
    line = LogLine(time.time_ns(), "proxy", "a line of that call")
    with app.app_context():
        app.extensions["sipvault"].vault("acme").put(
            Evidence("acme", call_id, logs=[line])
        )
    assert open_link(app, printed_link(runtime, call_id, "acme")) == 200


def test_what_it_prints_for_a_call_that_is_not_stored_is_an_honest_404(
    runtime: Runtime, app: Flask
) -> None:
    assert open_link(app, printed_link(runtime, "nowhere@example.com", "acme")) == 404


def test_what_it_prints_for_another_customer_is_refused(
    runtime: Runtime, app: Flask
) -> None:
    assert open_link(app, printed_link(runtime, "a@example.com", "globex")) == 401


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "SIPVAULT_HMAC_SECRET is not set"),
        ({"SIPVAULT_HMAC_SECRET": "YOUR_HMAC_SECRET_HERE"}, "placeholder"),
        ({"SIPVAULT_HMAC_SECRET": "your_hmac_secret_here"}, "placeholder"),
        ({"SIPVAULT_HMAC_SECRET": "topsecret99 of us "}, "white space"),
        ({"SIPVAULT_HMAC_SECRET": "topsecret99 of us\n"}, "line end"),
        (
            {"SIPVAULT_HMAC_SECRET": "topsecret99 of us"},
            "SIPVAULT_BASE_URL is not set",
        ),
    ],
)
def test_a_wrong_setting_is_an_error_and_never_a_link(
    runtime: Runtime, environment: dict[str, str], said: str
) -> None:
    done = runtime.run("a@example.com", **environment)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""
    assert "topsecret99 of us" not in done.stderr


def test_without_a_call_id_it_says_how_it_is_used(runtime: Runtime) -> None:
    done = runtime.run()
    assert done.returncode != 0
    assert "Usage" in done.stderr
    assert done.stdout == ""


def test_the_placeholders_of_our_own_signer_are_refused_everywhere(
    runtime: Runtime,
) -> None:
    done = runtime.run("a", SIPVAULT_HMAC_SECRET="your-secret-key-here")
    assert "placeholder" in done.stderr


SECRETS = json.loads(
    (Path(__file__).parent.parent / "data" / "secrets.json").read_text()
)


@pytest.mark.parametrize(("secret", "problem"), SECRETS["weak"])
def test_a_weak_secret_is_refused_as_the_server_refuses_it(
    runtime: Runtime, secret: str, problem: str
) -> None:
    environment = {"SIPVAULT_BASE_URL": BASE_URL, "SIPVAULT_HMAC_SECRET": secret}
    done = runtime.run("a@example.com", **environment)
    assert done.returncode == 1
    assert f"SIPVAULT_HMAC_SECRET {problem}" in done.stderr


def test_a_weak_secret_is_taken_where_that_is_asked_for(runtime: Runtime) -> None:
    done = runtime.run(
        "a@example.com",
        SIPVAULT_BASE_URL=BASE_URL,
        SIPVAULT_HMAC_SECRET="changeme",
        SIPVAULT_WEAK_SECRETS="true",
    )
    assert done.stdout.startswith(BASE_URL)


@pytest.mark.parametrize("secret", SECRETS["good"])
def test_a_good_secret_is_taken(runtime: Runtime, secret: str) -> None:
    environment = {"SIPVAULT_BASE_URL": BASE_URL, "SIPVAULT_HMAC_SECRET": secret}
    assert runtime.run("a@example.com", **environment).stdout.startswith(BASE_URL)


BUTTONS = {
    "generate_link.php": (
        "-r",
        "define('SIPVAULT_BASE_URL', \"https://vault.example.com/it's\");"
        "define('SIPVAULT_HMAC_SECRET', 'topsecret99 of us'); require $argv[1];"
        'echo sipvault_button($argv[2], null, "<\'\\"&>");',
    ),
    "generate_link.js": (
        "-e",
        'process.env.SIPVAULT_BASE_URL = "https://vault.example.com/it\'s";'
        "process.env.SIPVAULT_HMAC_SECRET = 'topsecret99 of us';"
        "const { sipvaultButton } = require(process.argv[1]);"
        "console.log(sipvaultButton(process.argv[2], null, `<'\"&>`))",
    ),
    "generate_link.py": (
        "-c",
        "import sys; sys.path.insert(0, sys.argv[1].rpartition('/')[0])\n"
        "from generate_link import sipvault_button\n"
        "print(sipvault_button(sys.argv[2], None, '<\\'\"&>', 'topsecret99 of us',"
        ' "https://vault.example.com/it\'s"))',
    ),
}


def button(runtime: Runtime, call_id: str) -> str:
    done = subprocess.run(
        [
            runtime.program,
            *BUTTONS[runtime.file],
            *(["--"] if runtime.file.endswith("php") else []),
            runtime.path,
            call_id,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_button_is_escaped_for_every_quote(runtime: Runtime) -> None:
    html = button(runtime, "\"><script>alert('x')</script>")
    start, _, rest = html.partition('href="')
    href, _, after = rest.partition('"')
    assert start == "<a "
    assert not set("<>\"'") & set(href)
    assert after.startswith(' target="_blank" rel="noopener"')
    assert "<script" not in html


def test_a_row_without_a_call_id_gets_no_button(runtime: Runtime) -> None:
    assert button(runtime, "") == ""


def test_the_javascript_one_can_be_imported_as_a_module(
    need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    shutil.copy(GENERATORS / "generate_link.js", tmp_path)
    script = tmp_path / "page.mjs"
    script.write_text(
        "import { sipvaultLink, sipvaultButton } from './generate_link.js'\n"
        "console.log(typeof sipvaultLink, typeof sipvaultButton)\n"
    )
    done = subprocess.run(
        [need_tool("node"), str(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["function", "function"]


def test_the_javascript_one_works_in_a_package_of_modules_as_cjs(
    need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(GENERATORS / "generate_link.js", tmp_path / "generate_link.cjs")
    script = tmp_path / "page.js"
    script.write_text(
        "import { sipvaultLink } from './generate_link.cjs'\n"
        "console.log(typeof sipvaultLink)\n"
    )
    done = subprocess.run(
        [need_tool("node"), str(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "function"


def test_the_php_one_sets_no_global_variable(need_tool: Callable[[str], str]) -> None:
    code = (
        "$before = array_keys(get_defined_vars()); require $argv[1];"
        "echo json_encode(array_diff("
        "array_keys(get_defined_vars()), $before, ['before']));"
    )
    done = subprocess.run(
        [need_tool("php"), "-r", code, "--", str(GENERATORS / "generate_link.php")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
