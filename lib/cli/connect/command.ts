/** `mcp-anywhere connect`: how each client is connected to an endpoint, with its real address. */
import { CLIENT_IDS, connectionsTo } from '../../connect/connections.ts'
import { type Place, readPlace } from '../../connect/place.ts'
import { shownName } from '../../connect/texts.ts'
import type { Address, ClientId } from '../../connect/types.ts'
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { loadEnvFile } from '../env-file.ts'
import { readManifest } from '../own.ts'
import { localAddress, settingsOf } from '../settings.ts'
import { probe } from './probe.ts'
import { connectionText } from './text.ts'

export const command: Command = {
  usage: '[https://host/mcp] [--client NAME] [--name NAME] [--json]',
  summary:
    'Shows how to connect Claude, ChatGPT, Cursor, VS Code and others; without an address, to the server of this folder.',
  async run(args) {
    const { positionals, values } = readArguments('connect', command, args, {
      client: { type: 'string' },
      name: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    const client = clientOf(values.client)
    const [given] = positionals
    const place = placeOf(given ?? ownAddress())
    const { url } = place
    const { name = fallbackName(place, given === undefined), admission = 'open', problem } = await probe(url)
    const address: Address = { url, name: values.name ?? name, admission }
    const all = connectionsTo(address)
    const connections = client === undefined ? all : all.filter((one) => one.client === client)
    if (problem) console.error(`${url}: ${problem.cause} ${problem.cure}`)
    if (values.json) return console.log(JSON.stringify({ ...address, problem, connections }, undefined, 2))
    console.log([`${shownName(address.name)} at ${url}`, ...connections.map(connectionText)].join('\n\n'))
  },
}

/** @throws Failure for a text that is no address */
function placeOf(text: string): Place {
  const place = readPlace(text)
  if (place === undefined) throw new Failure(`"${text}" is no address such as https://host/mcp.`)
  return place
}

/** @throws Failure for a client that is not known */
function clientOf(given: string | undefined): ClientId | undefined {
  if (given === undefined) return undefined
  const client = CLIENT_IDS.find((id) => id === given.toLowerCase())
  if (client === undefined) throw new Failure(`There is no client "${given}". There are ${CLIENT_IDS.join(', ')}.`)
  return client
}

/** The name of a server that does not say its own. */
function fallbackName({ url, reach }: Place, own: boolean): string {
  const project = own ? readManifest(process.cwd())?.name : undefined
  return project ?? (reach === 'internet' ? new URL(url).hostname : 'mcp-server')
}

/**
 * Where `dev` and `start` serve in this folder.
 *
 * @throws Failure where the settings name no port
 */
function ownAddress(): string {
  loadEnvFile(process.cwd())
  const { host, port, endpoint } = settingsOf(process.env)
  if (port === 0) throw new Failure('PORT is 0, which is any free port: name the address that the server printed.')
  return localAddress(host, port, endpoint.path ?? '/mcp')
}
