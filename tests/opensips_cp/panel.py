"""Control Panels in miniature: a CDR viewer as far as our button touches it.

They are written for these tests. What they have in common with the real one is what
the button is anchored at, where the files lie, and how pages run: in the viewer's
folder, at global scope, with the database in ``$link``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VIEWER = "web/tools/system/cdrviewer"
TEMPLATE = f"{VIEWER}/template/cdrviewer.main.php"
CONFIG = "config/tools/system/cdrviewer"

_TEMPLATE_9 = """\
<?php
$result = stored_cdrs($link);
?>
<table class="ttable" width="95%">
  <tr align="center">
    <?php foreach ($show_field as $key => $title) { ?>
    <th class="listTitle" align="center"><?php echo $title?></th>
    <?php } ?>
    <th class="listTitle" align="center">Details</th>
  </tr>
<?php
for ($j = 0; count($result) > $j; $j++) {
\t$row_style = $j % 2 ? "rowEven" : "rowOdd";
\techo '<tr>';
\tforeach ($show_field as $key => $title) {
\t\t$value = htmlspecialchars((string) $result[$j][$key]);
\t\tif (get_settings_value('sip_call_id_field_name') != $key)
\t\t\tif (isset($display_fields[$key]))
\t\t\t\t$value = $display_fields[$key]($value);
\t\techo "<td>$value</td>";
\t}
\t$details_cdr = '<a href="details.php"><img src="details.png"></td></a>&nbsp';
\t?>
\t<td class="<?=$row_style?>Img" align="center"><?php print $details_cdr?></td>

  </tr>
<?php
}
?>
  <tr>
    <th colspan="<?php print(count($show_field)+1)?>">Page: 1</th>
  </tr>
</table>
"""

_TEMPLATE_8 = _TEMPLATE_9.replace(
    "get_settings_value('sip_call_id_field_name')", "$sip_call_id_field_name"
)

_TEMPLATE_6 = (
    _TEMPLATE_8.replace('"listTitle"', '"Title"')
    .replace('<td class="<?=$row_style?>Img"', '<td class="rowOdd"')
    .replace("<?php print", "<?print")
    .replace("\t\t\tif (isset($display_fields[$key]))\n", "")
    .replace("\t\t\t\t$value = $display_fields[$key]($value);\n", "\t\t\t;\n")
)

#: The template of each generation: by these names the tests ask for them.
TEMPLATES = {
    name: text.encode()
    for name, text in (("9.3", _TEMPLATE_9), ("8.3", _TEMPLATE_8), ("6.2", _TEMPLATE_6))
}

_PAGE = """\
<?php
$_SERVER; // PHP makes this one when it is first named, whoever does that.
require_once '../../../../config/session.inc.php';
require_once '../../../../config/tools/system/cdrviewer/db.inc.php';
@include_once '../../../../config/tools/system/cdrviewer/local.inc.php';
function stored_cdrs($link) { return json_decode(file_get_contents($link), true); }
$link = '../../../../cdrs.json';
$settings = json_decode(file_get_contents('../../../../settings.json'), true);
if ($settings['generation'] === '9.3') {
    function get_settings_value($name) { return $GLOBALS['settings'][$name]; }
} else {
    $sip_call_id_field_name = $settings['sip_call_id_field_name'];
}
$show_field = $settings['show_field'] + (isset($show_field) ? $show_field[0] : []);
require 'template/cdrviewer.main.php';
unset($GLOBALS['display_fields']);
echo '<p>globals: ', implode(' ', array_keys(get_defined_vars())), '</p>';
echo '<p>link: ', basename($link), '</p>';
"""

_SESSION = """\
<?php
session_save_path(__DIR__ . '/../sessions');
session_start();
if (!isset($_SESSION['user_login'])) {
    echo 'Your session has expired';
    exit();
}
"""

_LOGIN = """\
<?php
session_save_path(__DIR__ . '/../sessions');
session_start();
$_SESSION['user_login'] = 'operator';
$_SESSION['user_tabs'] = $_GET['tools'];
"""

_DB = """\
<?php
 //$config->db_host_cdrviewer = "localhost";
 $config_password_of_the_database = "mysql";

?>
"""

_LOCAL = "<?php\n // $display_fields = array();\n?>\n"


def build(root: Path, generation: str = "9.3") -> Path:
    """A tree of the generation, with nothing of ours in it."""
    files = {
        TEMPLATE: TEMPLATES[generation],
        f"{VIEWER}/cdrviewer.php": _PAGE.encode(),
        "web/login.php": _LOGIN.encode(),
        "config/session.inc.php": _SESSION.encode(),
        f"{CONFIG}/db.inc.php": _DB.encode(),
    }
    if generation != "9.3":
        files[f"{CONFIG}/local.inc.php"] = _LOCAL.encode()
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
    (root / "sessions").mkdir()
    configure(root, generation=generation)
    store(root, [])
    return root


def configure(root: Path, **settings: Any) -> None:
    """Set what the Control Panel keeps in its own settings."""
    path = root / "settings.json"
    known = json.loads(path.read_text()) if path.exists() else _SETTINGS
    path.write_text(json.dumps({**known, **settings}))


_SETTINGS = {
    "sip_call_id_field_name": "callid",
    "show_field": {"time": "Time", "callid": "Sip Call ID"},
}


def store(root: Path, call_ids: list[str | None]) -> None:
    """Fill the table of CDRs."""
    rows = [
        {"id": str(n), "time": "2026-11-23 10:00:00", "callid": call_id}
        for n, call_id in enumerate(call_ids, 1)
    ]
    (root / "cdrs.json").write_text(json.dumps(rows))


def snapshot(root: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Every file: what is in it, its mode, its owner and its group."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and "sessions" not in path.parts:
            info = path.stat()
            found[str(path.relative_to(root))] = (
                path.read_bytes(),
                info.st_mode,
                info.st_uid,
                info.st_gid,
            )
    return found
