/** The first lines of `dev`. */
import { keyName, shellWord } from '../../connect/texts.ts'
import { localAddress } from '../settings.ts'

interface Facts {
  host: string
  port: number
  /** Where the endpoint answers. */
  path: string
  /** Of the server. */
  name: string
  instances: number
  /** `memory`, `own Redis`, or the address of another Redis. */
  sessions: string
  /** The token with which the page ends instances; undefined: there is no page. */
  killToken: string | undefined
}

export function banner({ host, port, path, name, instances, sessions, killToken }: Facts): string[] {
  const address = localAddress(host, port, path)
  const label = (text: string) => text.padEnd(14)
  return [
    `${label('MCP endpoint')}${address}`,
    ...(killToken === undefined ? [] : [`${label('Page')}${localAddress(host, port, '/')}#kill=${killToken}`]),
    `${label('Instances')}${instancesText(instances)}`,
    `${label('Sessions in')}${sessionsText(sessions)}`,
    `${label('Inspector')}npx @modelcontextprotocol/inspector --transport http --server-url ${address}`,
    `${label('Claude Code')}claude mcp add --transport http ${keyName(name)} ${shellWord(address)}`,
    `${label('Other clients')}npx mcp-anywhere connect ${shellWord(address)}`,
    `${label('Keys')}r and Enter: start the server again; q and Enter: end`,
  ]
}

function instancesText(instances: number): string {
  if (instances === 1) return '1, which keeps its variables from call to call; deployed instances do not share them'
  return `${instances} answer in turn, as in production; each has its own copy of the variables of a module`
}

function sessionsText(sessions: string): string {
  if (sessions === 'memory') return 'the memory of this command, since there is no redis-server'
  if (sessions === 'own Redis') return 'a Redis of this command, which ends with it'
  return `Redis at ${sessions} (REDIS_URL)`
}
