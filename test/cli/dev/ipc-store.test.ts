/** The store of `dev` without Redis: the memory of another process, over messages. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ipcStore } from '../../../lib/cli/dev/store/ipc-store.ts'
import type { Receiver, Store, StoreOptions } from '../../../lib/store/store.ts'
import { StoreUnavailable } from '../../../lib/store/unavailable.ts'
import { storeContract } from '../../store/contract/index.ts'
import { Inbox, MINUTE } from '../../store/contract/support.ts'

const HOST = new URL('memory-host.ts', import.meta.url)

function startHost(): ChildProcess {
  return fork(HOST, { serialization: 'advanced' })
}

let host: ChildProcess
beforeAll(() => {
  host = startHost()
})
afterAll(() => void host.kill())

function openStore({ onError, ...options }: StoreOptions = {}): Store {
  host.send({ open: options })
  return ipcStore(host, { onError })
}

storeContract(openStore, { name: 'the memory of another process' })

const deaf: Receiver = { mail() {}, change() {}, resumed() {} }

describe('the memory of another process', () => {
  let own: ChildProcess | undefined
  afterEach(() => void own?.kill('SIGKILL'))

  async function ofItsOwn(options: StoreOptions = {}) {
    own = startHost()
    own.send({ open: options })
    const store = ipcStore(own)
    await store.ping()
    return { process: own, store }
  }

  test('is unavailable once that process has ended, for what waits and for what comes', async () => {
    const { process, store } = await ofItsOwn()
    process.kill('SIGSTOP')
    const waiting = store.readSession('a', undefined)
    process.kill('SIGKILL')
    await expect(waiting).rejects.toBeInstanceOf(StoreUnavailable)
    await once(process, 'exit')
    await expect(store.ping()).rejects.toThrow(/has ended/)
    await store.close()
  })

  test('rejects with the errors of the store', async () => {
    const { store } = await ofItsOwn({ maxBytes: 1_000 } as StoreOptions)
    expect(store.nearlyFull()).toBe(false)
    const refused = store.createSession('a', 'x'.repeat(2_000), MINUTE)
    await expect(refused).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(refused).rejects.toThrow('The memory of the store is full.')
  })

  test('is nearly full while the other process says so, and notices by itself that it is not any more', async () => {
    const { process, store } = await ofItsOwn({ maxBytes: 10_000 } as StoreOptions)
    await store.setValue('user', 'a', 'x'.repeat(9_000), MINUTE)
    expect(store.nearlyFull()).toBe(true)
    process.send({ drop: 'a' })
    await expect.poll(() => store.nearlyFull()).toBe(false)
  })

  test('delivers no mail after stop, and rejects after close', async () => {
    const store = openStore()
    const other = new Inbox<string>()
    const receiving = await store.receive('i1~', { ...deaf, mail: other.add })
    await store.up('i1~', MINUTE, 's')
    await store.send('i1~', 'one')
    await other.have(1)
    await receiving.stop()
    await store.send('i1~', 'two')
    const again = new Inbox<string>()
    await store.receive('i1~', { ...deaf, mail: again.add })
    expect(await again.have(1)).toEqual(['two'])
    expect(other.all).toEqual(['one'])
    await store.close()
    await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailable)
  })
})
