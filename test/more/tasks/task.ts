/** A task of the extension, as a test drives it through a fleet. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../../stateless/requests.ts'
import { eventually } from '../../support/eventually.ts'
import type { Fleet } from '../../support/fleet.ts'
import type { RpcMessage } from '../../support/raw.ts'

const capabilities = { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } }
const LONG = 120_000

export class DrivenTask {
  readonly #fleet: Pick<Fleet, 'url'>
  readonly #id: string

  static async begin(fleet: Pick<Fleet, 'url'>, name: string, args: object = {}): Promise<DrivenTask> {
    const params = { name, arguments: args }
    const { result, error } = await ask(fleet.url, { method: 'tools/call', params, capabilities })
    if (error) throw new Error(error.message)
    return new DrivenTask(fleet, result.taskId)
  }

  private constructor(fleet: Pick<Fleet, 'url'>, id: string) {
    this.#fleet = fleet
    this.#id = id
  }

  /** Undefined: there is no response, since an instance has died, or the store is away. */
  async #send(method: string, more: object = {}): Promise<RpcMessage['result'] | undefined> {
    const request = { method, params: { taskId: this.#id, ...more }, capabilities }
    return ask(this.#fleet.url, request, { headers: { 'mcp-name': this.#id } }).then(
      ({ result, error }) => {
        if (error?.code === -32_602) throw new Error(error.message)
        return result
      },
      (error) => {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error
        return undefined
      },
    )
  }

  get(): Promise<RpcMessage['result'] | undefined> {
    return this.#send('tasks/get')
  }

  /** Resolves when the task asks, with the key. */
  asked(): Promise<string> {
    return eventually(async () => Object.keys((await this.get())?.inputRequests ?? {})[0], LONG)
  }

  /** Answers an ask, again and again until that is acknowledged. */
  async answer(key: string, n: number): Promise<void> {
    const inputResponses = { [key]: { action: 'accept', content: { n } } }
    await eventually(() => this.#send('tasks/update', { inputResponses }), LONG)
  }

  /** Resolves when the task has ended. */
  ended(): Promise<RpcMessage['result']> {
    return eventually(async () => {
      const task = await this.get()
      return task === undefined || task.status === 'working' || task.status === 'input_required' ? undefined : task
    }, LONG)
  }
}

/** The file in which the legs of a task write. */
export class LegFile {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-legs-'))
  readonly path = join(this.#folder, 'legs')

  /** What was written: the leg, and the process. */
  lines(): [what: string, pid: string][] {
    try {
      const lines = readFileSync(this.path, 'utf8').trim().split('\n')
      return lines.map((line) => line.split(' ') as [string, string])
    } catch {
      return []
    }
  }

  /** Resolves when a leg has written, with the process. The store may not have kept that yet. */
  ran(leg: number): Promise<string> {
    return eventually(async () => this.lines().find(([what]) => what === String(leg))?.[1], LONG)
  }

  /** Resolves when a leg that is to wait does so, with the process: the store has kept what it did. */
  async waits(leg: number): Promise<string> {
    await eventually(async () => existsSync(`${this.path}.waits`) || undefined, LONG)
    return this.ran(leg)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1))
