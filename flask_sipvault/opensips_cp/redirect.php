<?php
/* SIP VAULT, put in by flask sipvault opensips-cp */

/* Leads from a CDR row to the call, by a link that is signed now and not when the list
 * was drawn. Whoever is not logged in gets no further than the next line. */
require_once '../../../../config/session.inc.php';

function sipvault_end($status, $text)
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    header('X-Content-Type-Options: nosniff');
    echo "SIP VAULT: $text\n";
    exit;
}

/* As get_priv() in common/cfg_comm.php has it. */
function sipvault_may_see_cdrs()
{
    $tools = isset($_SESSION['user_tabs']) ? $_SESSION['user_tabs'] : '';
    return $tools === '*' || in_array('cdrviewer', explode(',', $tools), true);
}

function sipvault_redirect($call_id)
{
    $generator = '../../../../config/tools/system/cdrviewer/sipvault.php';
    if (!sipvault_may_see_cdrs()) {
        sipvault_end(403, 'You do not have permissions to access the CDR viewer.');
    }
    if (!is_string($call_id) || $call_id === '') {
        sipvault_end(400, 'The address names no call: it needs callid=…');
    }
    if (!is_readable($generator)) {
        sipvault_end(500, 'The web server cannot read config/tools/system/cdrviewer/sipvault.php.'
            . ' Its group must be one of the web server\'s.');
    }
    include_once $generator;
    try {
        header('Location: ' . sipvault_link($call_id), true, 302);
    } catch (RuntimeException $problem) {
        sipvault_end(500, $problem->getMessage());
    }
}

header('Cache-Control: no-store');
sipvault_redirect(isset($_GET['callid']) ? $_GET['callid'] : null);
