// A CDR list in Express. generate_link.js lies beside it.
const express = require('express')
const { sipvaultButton, sipvaultLink } = require('./generate_link')

const cdrs = [{ caller: 'alice', callId: 'a1@example.com' }, { caller: 'bob' }]

const app = express()

app.get('/', (request, response) => {
  const rows = cdrs.map(
    (cdr) => `<tr><td>${cdr.caller}</td><td>${sipvaultButton(cdr.callId)}</td></tr>`
  )
  response.send(`<table>${rows.join('')}</table>`)
})

// Signs on the click: for lists that stay open longer than a link is good.
app.get('/open/:number', (request, response) => {
  const cdr = cdrs[request.params.number]
  if (!cdr || !cdr.callId) return response.sendStatus(404)
  response.redirect(303, sipvaultLink(cdr.callId))
})

module.exports = app
