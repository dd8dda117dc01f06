/**
 * Loaded before Lambda's runtime client. Replaces its one compiled part, which posts the results of handlers that do not
 * stream, and gives the process a wall clock that a test can move.
 */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import Module from 'node:module'

const [host, port] = (process.env.AWS_LAMBDA_RUNTIME_API ?? '').split(':')

function post(path: string, body: string): void {
  request({ host, port, path: `/2018-06-01/runtime/invocation/${path}`, method: 'POST' }).end(body)
}

const compiled = {
  done: (id: string, body: string) => post(`${id}/response`, body),
  error: (id: string, body: string) => post(`${id}/error`, body),
}

type Load = (request: string, ...rest: unknown[]) => unknown
const loader = Module as unknown as { _load: Load }
const load = loader._load
loader._load = function (this: unknown, request, ...rest) {
  return request === './rapid-client.node' ? compiled : load.call(this, request, ...rest)
}

const clockFile = process.env.TEST_CLOCK ?? ''
const systemNow = Date.now
const now = () => systemNow() + Number(readFileSync(clockFile, 'utf8'))

globalThis.Date = new Proxy(Date, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  get: (target, key, self) => (key === 'now' ? now : Reflect.get(target, key, self)),
})

// As the managed runtimes do that are older than the client of these tests.
if (process.env.TEST_RUNTIME_LISTENER === '1') process.on('unhandledRejection', () => process.exit(128))
