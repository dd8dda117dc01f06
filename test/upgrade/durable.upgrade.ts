/**
 * Durable calls while builds run that do not know them: those end such a call with an error, and never run it without its journal.
 * Between builds that know them a call goes on at either.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Fleet } from '../support/fleet.ts'
import {
  type EventReader,
  getStream,
  initialize,
  openGet,
  postStream,
  type RawSession,
  toolCall,
} from '../support/raw.ts'
import { answer, cancel, DIRECTIONS, end, meta, OLD as OLD_ROOT, progressOf, startMixed, textOf } from './mixed.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-upgrade-'))
const ledger = join(folder, 'ledger')
/** The instances: two of the other commit, two of this one. */
const [OLD, NEW, OTHER_OLD, OTHER_NEW] = [0, 1, 2, 3]
const session = { lease: 2_000, heartbeat: 1_000, drainTimeout: 300 }
const LOST = /was lost before it was done|was shut down|has ended before the call was done|outcome is unknown/

/** The other commit has durable calls. */
const areKnown = existsSync(new URL('lib/session/call/durable', OLD_ROOT))

let fleet: Fleet
beforeAll(async () => {
  process.env.LEDGER = ledger
  writeFileSync(ledger, '')
  fleet = await startMixed({ session }, new URL('durable-server.ts', import.meta.url).href)
})
afterAll(async () => {
  await fleet.stop()
  rmSync(folder, { recursive: true, force: true })
})

function did(call: string): Record<'run' | 'reserve' | 'pay', number> {
  const lines = readFileSync(ledger, 'utf8').split('\n')
  const count = (step: string) => lines.filter((line) => line.startsWith(`${call} ${step} `)).length
  return { run: count('run'), reserve: count('reserve'), pay: count('pay') }
}

/** Sends the call to an instance and reads until it asks. */
async function ask(
  at: number,
  to: RawSession,
  call: string,
): Promise<{ stream: EventReader; id: string | number | undefined }> {
  const stream = await postStream(fleet.at(at), toolCall(call, 'pay', { call }, meta), { session: to })
  const { message } = await stream.until(({ method }) => method === 'elicitation/create')
  return { stream, id: message?.id }
}

const pidOf = (index: number) => String(fleet.instances[index]?.child.pid)
const accepted = { action: 'accept', content: { ok: true } }

describe.skipIf(areKnown)('a durable call that is not suspended', () => {
  test('ends with an error on an old instance when its own dies, and is not run there', async () => {
    const client = await initialize(fleet.at(OLD))
    const { stream } = await ask(NEW, client, 'dies')
    await fleet.instances[NEW]?.kill()
    await stream.rest()
    const rest = await (await getStream(fleet.at(OLD), client, stream.lastId)).rest()
    expect(rest.at(-1)).toMatchObject({ id: 'dies', error: { code: -32603, message: expect.stringMatching(LOST) } })
    expect(did('dies')).toEqual({ run: 1, reserve: 1, pay: 0 })
    await fleet.restart(NEW)
  })

  test('goes on from its journal on a new instance, beside old ones', async () => {
    const client = await initialize(fleet.at(OLD))
    const { stream, id } = await ask(NEW, client, 'handed over')
    await fleet.instances[NEW]?.kill()
    await stream.rest()
    const resumed = await getStream(fleet.at(OTHER_NEW), client, stream.lastId)
    await eventually(async () => (did('handed over').run === 2 ? true : undefined))
    await answer(fleet.at(OLD), client, id, accepted)
    const rest = await resumed.rest()
    expect(textOf(rest.at(-1))).toBe(`handed over paid by ${pidOf(OTHER_NEW)}`)
    expect(did('handed over')).toEqual({ run: 2, reserve: 1, pay: 1 })
    const all = [...stream.events.flatMap(({ message }) => message ?? []), ...rest]
    expect(progressOf(all)).toEqual([1, 2])
    expect(all.filter(({ method }) => method === 'elicitation/create')).toHaveLength(1)
    await fleet.restart(NEW)
  })

  test('is handed over by a shutdown to new instances, and ends with an error on old ones', async () => {
    const client = await initialize(fleet.at(OLD))
    const { stream } = await ask(NEW, client, 'shut down')
    fleet.instances[NEW]?.signal('SIGTERM')
    await stream.rest()
    const rest = await (await getStream(fleet.at(OTHER_OLD), client, stream.lastId)).rest()
    expect(rest.at(-1)).toMatchObject({
      id: 'shut down',
      error: { code: -32603, message: expect.stringMatching(LOST) },
    })
    expect(did('shut down')).toEqual({ run: 1, reserve: 1, pay: 0 })
    await fleet.instances[NEW]?.ended()
    await fleet.restart(NEW)
  })

  test('that an old instance began runs again on a new one where it is idempotent, as before', async () => {
    const client = await initialize(fleet.at(NEW))
    const { stream } = await ask(OLD, client, 'old')
    await fleet.instances[OLD]?.kill()
    await stream.rest()
    const resumed = await getStream(fleet.at(NEW), client, stream.lastId)
    const { message } = await resumed.until(({ method }) => method === 'elicitation/create')
    await answer(fleet.at(OTHER_OLD), client, message?.id, accepted)
    expect(textOf((await resumed.rest()).at(-1))).toBe(`old paid by ${pidOf(NEW)}`)
    expect(did('old').run).toBe(2)
    await fleet.restart(OLD)
  })
})

describe.runIf(areKnown).each(DIRECTIONS)('a durable call of two builds that know them, $direction:', (given) => {
  const { direction, from, to, back } = given

  test('goes on from its journal when its instance dies', async () => {
    const call = `dies, ${direction}`
    const client = await initialize(fleet.at(back))
    const { stream, id } = await ask(from, client, call)
    await fleet.instances[from]?.kill()
    await stream.rest()
    const resumed = await getStream(fleet.at(to), client, stream.lastId)
    await eventually(async () => (did(call).run === 2 ? true : undefined))
    await answer(fleet.at(back), client, id, accepted)
    expect(textOf((await resumed.rest()).at(-1))).toBe(`${call} paid by ${pidOf(to)}`)
    expect(did(call)).toEqual({ run: 2, reserve: 1, pay: 1 })
    await fleet.restart(from)
  })

  test('goes on where it was suspended, with an answer that the other has stored', async () => {
    const call = `sleeps, ${direction}`
    await fleet.instances[from]?.kill()
    await fleet.restart(from, { session: { ...session, suspendAfter: 200 } })
    const client = await initialize(fleet.at(to))
    const { stream, id } = await ask(from, client, call)
    await stream.rest()
    // A poll of the other build finds nothing due.
    const polled = await getStream(fleet.at(to), client, stream.lastId)
    await polled.rest()
    await answer(fleet.at(to), client, id, accepted)
    const rest = await (await getStream(fleet.at(to), client, stream.lastId)).rest()
    expect(textOf(rest.at(-1))).toBe(`${call} paid by ${pidOf(to)}`)
    expect(did(call)).toEqual({ run: 2, reserve: 1, pay: 1 })
    await fleet.instances[from]?.kill()
    await fleet.restart(from)
  })
})

describe.skipIf(areKnown)(
  'a call that is suspended, which was switched on before every instance had the build,',
  () => {
    beforeAll(async () => {
      for (const index of [NEW, OTHER_NEW]) {
        await fleet.instances[index]?.kill()
        await fleet.restart(index, { session: { ...session, suspendAfter: 200 } })
      }
    })

    /** The stream has closed because the call is suspended. */
    async function suspended(call: string) {
      const client = await initialize(fleet.at(OLD))
      const { stream, id } = await ask(NEW, client, call)
      await stream.rest()
      expect(stream.events.at(-1)?.retry).toBeGreaterThan(0)
      return { client, stream, id }
    }

    test('ends with an error where an old instance gets its poll, and is not run there', async () => {
      const { client, stream } = await suspended('polled')
      const rest = await (await getStream(fleet.at(OLD), client, stream.lastId)).rest()
      expect(rest.at(-1)).toMatchObject({ id: 'polled', error: { code: -32603, message: expect.stringMatching(LOST) } })
      expect(did('polled')).toEqual({ run: 1, reserve: 1, pay: 0 })
    })

    test('goes on with an answer that an old instance stored, when a new one gets its poll', async () => {
      const { client, stream, id } = await suspended('answered')
      await answer(fleet.at(OLD), client, id, accepted)
      const rest = await (await getStream(fleet.at(OTHER_NEW), client, stream.lastId)).rest()
      expect(textOf(rest.at(-1))).toBe(`answered paid by ${pidOf(OTHER_NEW)}`)
      expect(did('answered')).toEqual({ run: 2, reserve: 1, pay: 1 })
    })

    test('is over when an old instance got its cancel, for whoever polls', async () => {
      const { client, stream } = await suspended('cancelled')
      await cancel(fleet.at(OLD), client, 'cancelled')
      const response = await openGet(fleet.at(OTHER_NEW), client, stream.lastId)
      // The stream ends without a response, at once or after a last message without text.
      expect(await response.text()).not.toContain('"result"')
      await eventually(async () =>
        (await openGet(fleet.at(NEW), client, stream.lastId)).status === 405 ? true : undefined,
      )
      expect(did('cancelled')).toEqual({ run: 1, reserve: 1, pay: 0 })
    })

    test('serves nothing after a DELETE on an old instance', async () => {
      const { client, stream, id } = await suspended('deleted')
      expect(await end(fleet.at(OLD), client)).toBe(204)
      expect((await openGet(fleet.at(NEW), client, stream.lastId)).status).toBe(404)
      await expect(answer(fleet.at(OTHER_NEW), client, id, accepted)).rejects.toThrow()
      expect(did('deleted')).toEqual({ run: 1, reserve: 1, pay: 0 })
    })
  },
)
