<?php
/**
 * SIP VAULT links for CDR viewers written in PHP (5.6 and newer; no extension needed).
 *
 *     require_once 'generate_link.php';
 *     echo sipvault_button($cdr['callid']);
 *
 * On the command line it prints the link:
 *
 *     SIPVAULT_HMAC_SECRET=… php generate_link.php CALL_ID [CUSTOMER]
 *
 * Each setting is a constant defined before this file is included, or else a variable of
 * the environment, or else what stands below. Keep this file, if a secret stands in it,
 * where the web server does not hand it out and only PHP can read it.
 *
 * It sets no global variable: templates that run at global scope stay as they are.
 */

if (!defined('SIPVAULT_BASE_URL')) {
    define('SIPVAULT_BASE_URL', getenv('SIPVAULT_BASE_URL') ?: '');
}
if (!defined('SIPVAULT_CUSTOMER_ID')) {
    define('SIPVAULT_CUSTOMER_ID', getenv('SIPVAULT_CUSTOMER_ID') ?: 'sippulse');
}
if (!defined('SIPVAULT_HMAC_SECRET')) {
    define('SIPVAULT_HMAC_SECRET', getenv('SIPVAULT_HMAC_SECRET') ?: '');
}
// 'true' takes a secret that can be found by trying, where the server takes it, too.
if (!defined('SIPVAULT_WEAK_SECRETS')) {
    define('SIPVAULT_WEAK_SECRETS', getenv('SIPVAULT_WEAK_SECRETS') ?: '');
}

if (!function_exists('sipvault_link')) {

    /**
     * What makes a secret easy to find by trying, or '' if nothing does. The server has
     * the same rule.
     */
    function sipvault_weakness($secret)
    {
        $known = '/'
            . 'administrator|placeholder|freeswitch|qwertyuiop|captagent|collector|asterisk|'
            . 'kamailio|opensips|password|customer|sippulse|sipvault|example|default|testing|'
            . 'welcome|heplify|replace|letmein|qwerty|secret|change|insert|sample|server|shared|'
            . 'foobar|zxcvbn|asdfgh|nodepw|passw|admin|agent|enter|guest|homer|pulse|token|vault|'
            . 'asdf|auth|call|demo|here|hmac|pass|root|test|this|user|voip|with|word|your|zxcv|api|'
            . 'bar|foo|hep|key|pwd|sip|the|me|my'
            . '/';
        $plain = strtolower($secret);
        foreach (array($plain, strtr($plain, '013457@$', 'oieastas')) as $text) {
            $letters = preg_replace('/[^a-z]/', '', $text);
            if ($letters !== '' && preg_replace($known, '', $letters) === '') {
                return 'is a placeholder, or is made of words that are tried first';
            }
        }
        if (strlen($secret) < 16) {
            return 'is shorter than 16 characters';
        }
        if (count(count_chars($secret, 1)) < 6) {
            return 'has fewer than 6 different characters';
        }
        $near = 0;
        for ($i = 1; $i < strlen($secret); $i++) {
            $near += abs(ord($secret[$i]) - ord($secret[$i - 1])) <= 1 ? 1 : 0;
        }
        if (3 * $near > 2 * (strlen($secret) - 1)) {
            return 'is mostly a sequence like 1234 or aaaa';
        }
        return '';
    }

    /** What is wrong with a setting, or '' if nothing is. It never holds the secret. */
    function sipvault_problem()
    {
        if (SIPVAULT_HMAC_SECRET === '') {
            return 'SIPVAULT_HMAC_SECRET is not set: give it the secret of the server.';
        }
        if (trim(SIPVAULT_HMAC_SECRET) !== SIPVAULT_HMAC_SECRET) {
            return 'SIPVAULT_HMAC_SECRET has white space or a line end around it.';
        }
        $taken = in_array(strtolower(SIPVAULT_WEAK_SECRETS), array('true', '1', 'yes', 'on'), true);
        $weakness = $taken ? '' : sipvault_weakness(SIPVAULT_HMAC_SECRET);
        if ($weakness !== '') {
            return "SIPVAULT_HMAC_SECRET $weakness: give it the secret of the server.";
        }
        if (!preg_match('#^https?://[^\s/]#', SIPVAULT_BASE_URL)) {
            return 'SIPVAULT_BASE_URL is not set to the address of the dashboard, such as'
                . ' https://cdr.example.com';
        }
        return '';
    }

    /** The hour a link is signed for: Unix time in hours. */
    function sipvault_hour()
    {
        return (int) floor(time() / 3600);
    }

    /**
     * A signed link to the dashboard's page of a call, good for this hour and the next.
     *
     * @param string      $call_id   the whole Call-ID header value, in UTF-8
     * @param string|null $call_time not used: the dashboard finds the day itself
     * @param string      $customer  whose call it is
     * @throws RuntimeException         if a setting is missing or wrong
     * @throws InvalidArgumentException if there is no Call-ID
     */
    function sipvault_link($call_id, $call_time = null, $customer = SIPVAULT_CUSTOMER_ID)
    {
        $problem = sipvault_problem();
        if ($problem !== '') {
            throw new RuntimeException($problem);
        }
        $call_id = (string) $call_id;
        if ($call_id === '') {
            throw new InvalidArgumentException('The Call-ID is empty: there is no call to link to.');
        }
        $ts = sipvault_hour();
        $sig = substr(hash_hmac('sha256', "$call_id:$ts", SIPVAULT_HMAC_SECRET), 0, 32);
        return rtrim(SIPVAULT_BASE_URL, '/') . '/call/' . substr(hash('sha256', $call_id), 0, 16)
            . '?cid=' . urlencode($customer) . '&callid=' . urlencode($call_id)
            . '&ts=' . $ts . '&sig=' . $sig;
    }

    /**
     * The button for a row of a CDR table, as HTML; '' for a row without a Call-ID.
     *
     * @throws RuntimeException if a setting is missing or wrong
     */
    function sipvault_button($call_id, $call_time = null, $customer = SIPVAULT_CUSTOMER_ID)
    {
        if ((string) $call_id === '') {
            return '';
        }
        $url = htmlspecialchars(sipvault_link($call_id, $call_time, $customer), ENT_QUOTES, 'UTF-8');
        return '<a href="' . $url . '" target="_blank" rel="noopener" class="btn btn-sm btn-info"'
            . ' title="Open this call in SIP VAULT"><i class="fa fa-search" aria-hidden="true"></i>'
            . ' SIP VAULT</a>';
    }
}

if (PHP_SAPI === 'cli' && isset($_SERVER['argv'][0])
    && realpath($_SERVER['argv'][0]) === __FILE__
) {
    if (!isset($_SERVER['argv'][1])) {
        fwrite(STDERR, "Usage: php generate_link.php CALL_ID [CUSTOMER]\n");
        exit(2);
    }
    try {
        echo sipvault_link(
            $_SERVER['argv'][1],
            null,
            isset($_SERVER['argv'][2]) ? $_SERVER['argv'][2] : SIPVAULT_CUSTOMER_ID
        ), "\n";
    } catch (Exception $error) {
        fwrite(STDERR, 'Error: ' . $error->getMessage() . "\n");
        exit(1);
    }
}
