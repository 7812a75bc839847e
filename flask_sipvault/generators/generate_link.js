/**
 * SIP VAULT links for CDR viewers written in JavaScript (Node 18 and newer).
 *
 *     const { sipvaultLink } = require('./generate_link')
 *     import { sipvaultLink } from './generate_link.js'
 *
 * In a package with "type": "module", name this file generate_link.cjs: then both ways
 * work there too. On the command line it prints the link:
 *
 *     SIPVAULT_HMAC_SECRET=… node generate_link.js CALL_ID [CUSTOMER]
 *
 * Each setting is a variable of the environment, or else what stands below. It belongs
 * on the server: whoever has the secret can open every call.
 */
'use strict'

const crypto = require('node:crypto')

const SIPVAULT_BASE_URL = process.env.SIPVAULT_BASE_URL || ''
const SIPVAULT_CUSTOMER_ID = process.env.SIPVAULT_CUSTOMER_ID || 'sippulse'
const SIPVAULT_HMAC_SECRET = process.env.SIPVAULT_HMAC_SECRET || ''

// 'true' takes a secret that can be found by trying, where the server takes it, too.
const SIPVAULT_WEAK_SECRETS = process.env.SIPVAULT_WEAK_SECRETS || ''

const KNOWN_WORDS = new RegExp(
  'administrator|placeholder|freeswitch|qwertyuiop|captagent|collector|asterisk|kamailio|' +
  'opensips|password|customer|sippulse|sipvault|example|default|testing|welcome|heplify|' +
  'replace|letmein|qwerty|secret|change|insert|sample|server|shared|foobar|zxcvbn|asdfgh|' +
  'nodepw|passw|admin|agent|enter|guest|homer|pulse|token|vault|asdf|auth|call|demo|here|' +
  'hmac|pass|root|test|this|user|voip|with|word|your|zxcv|api|bar|foo|hep|key|pwd|sip|the|' +
  'me|my',
  'g'
)
const LOOKALIKES = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' }

function isKnown(text) {
  const letters = text.replace(/[^a-z]/g, '')
  return letters !== '' && letters.replace(KNOWN_WORDS, '') === ''
}

/**
 * What makes a secret easy to find by trying, or '' if nothing does. The server has the
 * same rule.
 */
function weakness(secret) {
  const plain = secret.toLowerCase()
  if (isKnown(plain) || isKnown(plain.replace(/[013457@$]/g, (c) => LOOKALIKES[c]))) {
    return 'is a placeholder, or is made of words that are tried first'
  }
  const raw = [...Buffer.from(secret, 'utf8')]
  if (raw.length < 16) return 'is shorter than 16 characters'
  if (new Set(raw).size < 6) return 'has fewer than 6 different characters'
  const near = raw.slice(1).filter((byte, i) => Math.abs(byte - raw[i]) <= 1).length
  if (3 * near > 2 * (raw.length - 1)) return 'is mostly a sequence like 1234 or aaaa'
  return ''
}

/** What is wrong with a setting, or '' if nothing is. It never holds the secret. */
function settingsProblem() {
  if (SIPVAULT_HMAC_SECRET === '') {
    return 'SIPVAULT_HMAC_SECRET is not set: give it the secret of the server.'
  }
  if (SIPVAULT_HMAC_SECRET.trim() !== SIPVAULT_HMAC_SECRET) {
    return 'SIPVAULT_HMAC_SECRET has white space or a line end around it.'
  }
  const weak = /^(true|1|yes|on)$/i.test(SIPVAULT_WEAK_SECRETS)
    ? ''
    : weakness(SIPVAULT_HMAC_SECRET)
  if (weak) return `SIPVAULT_HMAC_SECRET ${weak}: give it the secret of the server.`
  if (!/^https?:\/\/[^\s/]/.test(SIPVAULT_BASE_URL)) {
    return 'SIPVAULT_BASE_URL is not set to the address of the dashboard, such as https://cdr.example.com'
  }
  return ''
}

/**
 * A signed link to the dashboard's page of a call, good for this hour and the next.
 *
 * @param {string} callId - the whole Call-ID header value
 * @param {string} [_callDate] - not used: the dashboard finds the day itself
 * @param {string} [customerId] - whose call it is
 * @returns {string}
 * @throws {Error} if a setting is missing or wrong, or there is no Call-ID
 */
function sipvaultLink(callId, _callDate, customerId = SIPVAULT_CUSTOMER_ID) {
  const problem = settingsProblem()
  if (problem) throw new Error(problem)
  if (!callId) throw new Error('The Call-ID is empty: there is no call to link to.')
  const ts = Math.floor(Date.now() / 3600000)
  const hash = crypto.createHash('sha256').update(callId, 'utf8').digest('hex').slice(0, 16)
  const sig = crypto
    .createHmac('sha256', SIPVAULT_HMAC_SECRET)
    .update(`${callId}:${ts}`, 'utf8')
    .digest('hex')
    .slice(0, 32)
  return (
    `${SIPVAULT_BASE_URL.replace(/\/+$/, '')}/call/${hash}` +
    `?cid=${encodeURIComponent(customerId)}&callid=${encodeURIComponent(callId)}` +
    `&ts=${ts}&sig=${sig}`
  )
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/**
 * The button for a row of a CDR table, as HTML; '' for a row without a Call-ID.
 *
 * @throws {Error} if a setting is missing or wrong
 */
function sipvaultButton(callId, callDate, customerId = SIPVAULT_CUSTOMER_ID) {
  if (!callId) return ''
  const url = sipvaultLink(callId, callDate, customerId).replace(/[&<>"']/g, (c) => ENTITIES[c])
  return (
    `<a href="${url}" target="_blank" rel="noopener" class="btn btn-sm btn-info"` +
    ' title="Open this call in SIP VAULT"><i class="fa fa-search" aria-hidden="true"></i>' +
    ' SIP VAULT</a>'
  )
}

module.exports = { sipvaultLink, sipvaultButton }

if (require.main === module) {
  const [callId, customerId] = process.argv.slice(2)
  if (callId === undefined) {
    console.error('Usage: node generate_link.js CALL_ID [CUSTOMER]')
    process.exitCode = 2
  } else {
    try {
      console.log(sipvaultLink(callId, undefined, customerId))
    } catch (error) {
      console.error(`Error: ${error.message}`)
      process.exitCode = 1
    }
  }
}
