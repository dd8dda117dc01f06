/** What the endpoint has to know of a program before its first client: how it describes itself, and its tools. */
import { asError, textOf } from '../../../base/errors.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../../protocol/jsonrpc.ts'
import { LATEST_SESSION_REVISION } from '../../../protocol/revisions.ts'
import { descriptionIn } from '../../../sdk/description.ts'
import type { ClientState, OwnDescription } from '../../../sdk/private.ts'
import type { Answer, Receiver } from './process/receiver.ts'
import type { ServerProcess } from './process/server-process.ts'
import { type Starter, spawnFor } from './start.ts'

/** A client that can do everything: some programs refuse one that cannot. */
const CLIENT: ClientState = {
  capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } },
  info: { name: 'mcp-anywhere', version: '1' },
  version: LATEST_SESSION_REVISION,
}
/** Pages of tools that are read. */
const MOST_PAGES = 50
const GRACE = 2_000

interface Learned {
  own: OwnDescription
  tools: JsonObject[]
}

/** A client without a person and without files. */
const nobody: Receiver = {
  notify: () => undefined,
  async ask(method): Promise<Answer> {
    if (method === 'roots/list') return { result: { roots: [] } }
    return { error: { code: ErrorCode.InvalidRequest, message: 'No client is connected yet.' } }
  },
}

/**
 * Starts a process, asks it, and ends it.
 *
 * @throws TypeError with one line where it does not answer `initialize`
 */
export async function learnOf(starter: Starter): Promise<Learned> {
  const { child, process, lastLine } = spawnFor(starter, CLIENT, '', nobody)
  try {
    const own = descriptionIn(await process.ready, starter.name)
    return { own, tools: own.capabilities.tools ? await toolsOf(process) : [] }
  } catch (thrown) {
    const line = lastLine()
    const quoted = line === '' ? '' : ` Its last line on stderr: ${line}`
    const how = child.over ? `it ended (${await child.ended})` : textOf(asError(thrown))
    throw new TypeError(`${starter.name} does not answer "initialize" on its stdout: ${how}.${quoted}`)
  } finally {
    void child.end(GRACE)
  }
}

/** The tools, for what is known of their calls. A list that needs a caller is learned with the first one. */
async function toolsOf(process: ServerProcess): Promise<JsonObject[]> {
  const all: JsonObject[] = []
  const { signal } = new AbortController()
  try {
    let cursor: unknown
    for (let page = 0; page < MOST_PAGES; page++) {
      const params = cursor === undefined ? undefined : { cursor }
      const { tools, nextCursor } = await process.request('tools/list', params, nobody, signal)
      if (Array.isArray(tools)) all.push(...tools.filter(isObject))
      if (typeof nextCursor !== 'string') break
      cursor = nextCursor
    }
  } catch {
    // The first client that lists them meets the same error, and is answered with it.
  }
  return all
}
