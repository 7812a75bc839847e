<?php

/* SIP VAULT, put in by flask sipvault opensips-cp */
if (!function_exists('sipvault_cell')) {

    /**
     * The button of a CDR row, as HTML; '' where the row has no Call-ID in this column.
     *
     * It leads to sipvault.php beside the viewer, which signs the link when it is
     * clicked: so a list may stay open for as long as the login lasts. The style stands
     * here, because the class came with version 8.2.
     */
    function sipvault_cell($row, $field)
    {
        if (!is_string($field) || !isset($row[$field]) || !is_scalar($row[$field])) {
            return '';
        }
        $call_id = (string) $row[$field];
        if (trim($call_id) === '') {
            return '';
        }
        return '<a href="sipvault.php?callid='
            . htmlspecialchars(urlencode($call_id), ENT_QUOTES, 'UTF-8')
            . '" target="_blank" rel="noopener" class="inlineButton"'
            . ' style="padding:3px 8px;margin:2px 0;white-space:nowrap;font-size:11px"'
            . ' title="Open this call in SIP VAULT">SIP VAULT</a>';
    }
}

if (!function_exists('sipvault_column')) {

    /** The same, as a function of $display_fields: it reads the row, and sets nothing. */
    function sipvault_column()
    {
        if (!isset($GLOBALS['j'], $GLOBALS['result'][$GLOBALS['j']])) {
            return '';
        }
        if (function_exists('get_settings_value')) {
            $field = get_settings_value('sip_call_id_field_name');
        } elseif (isset($GLOBALS['sip_call_id_field_name'])) {
            $field = $GLOBALS['sip_call_id_field_name'];
        } else {
            return '';
        }
        return sipvault_cell($GLOBALS['result'][$GLOBALS['j']], $field);
    }
}
