// An API route of Next.js: pages/api/open-call.js. It runs on the server, so the secret
// stays there; generate_link.js lies in lib/.
import { sipvaultLink } from '../../lib/generate_link'

export default function handler(request, response) {
  const { callId } = request.query
  if (typeof callId !== 'string' || callId === '') {
    return response.status(400).json({ error: 'callId is missing' })
  }
  return response.redirect(303, sipvaultLink(callId))
}
