/** A tunnel to an endpoint that clients on the internet do not reach. */
import type { Place } from './place.ts'
import { shellWord } from './texts.ts'
import type { Admission, Step } from './types.ts'

/** The name that a person replaces by that of the tunnel. */
const TUNNEL = 'your-tunnel.ngrok.app'

interface Reached {
  /** The address that the client gets. */
  url: string
  /** What comes before the client's own steps. */
  steps: readonly Step[]
  notes: readonly string[]
  obstacle?: string
}

/**
 * How a client that connects from the internet reaches the endpoint.
 *
 * @param who connects, as the begin of a sentence: `Claude`
 */
export function fromInternet(who: string, place: Place, admission: Admission): Reached {
  const { url, origin, path, secure, reach } = place
  if (secure && reach === 'internet') return { url, steps: [], notes: [] }
  const tunnel = `https://${TUNNEL}${path}`
  const hosts = `ALLOWED_HOSTS=${TUNNEL},localhost,127.0.0.1`
  return {
    url: tunnel,
    steps: [
      {
        text: 'Open a tunnel with HTTPS to the server, for example with ngrok. It prints its name.',
        code: { language: 'shell', text: `ngrok http ${shellWord(origin)}` },
      },
      {
        text: 'Let the name of the tunnel in, and start the server again: other names get 403.',
        code: {
          language: 'text',
          text: admission === 'oauth' ? `${hosts}\nAUTH_AUDIENCE=${tunnel}` : hosts,
          file: '.env',
        },
      },
    ],
    notes: [
      // https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/do-more-with-tunnels/trycloudflare/
      'The tunnel has to pass streams on as they are written. Quick tunnels of cloudflared do not; its named tunnels do.',
      ...(admission === 'open'
        ? [
            'Everybody who learns the name of the tunnel can use every tool: set AUTH_ISSUER, or close the tunnel afterwards.',
          ]
        : []),
    ],
    obstacle:
      reach === 'internet'
        ? `${who} takes addresses with HTTPS only. Put TLS in front of ${origin}, or open a tunnel.`
        : `${who} connects from the internet and with HTTPS only, and ${origin} is ${reach === 'machine' ? 'on this machine' : 'in a private network'}. Open a tunnel, or deploy the server.`,
  }
}
