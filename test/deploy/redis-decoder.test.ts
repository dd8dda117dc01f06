/** The decoder of the Redis client, as it is in a bundle, decodes what the client's own decodes. */
import { createRequire } from 'node:module'
import { build, type Plugin } from 'esbuild'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ON_DEMAND } from '../../lib/cli/build/plugins/redis-client.ts'
import { leanDecoder, wholeDecoder } from '../../lib/cli/build/plugins/redis-decoder.ts'

const require = createRequire(import.meta.url)

interface Decoder {
  write(chunk: Buffer): void
}
type DecoderClass = new (config: object) => Decoder

interface Module {
  Decoder: DecoderClass
  /** Of the decoder in the file beside a bundle. */
  seldom?: object | undefined
}

/** @param beside what the file beside the bundle exports */
async function decoder(plugins: Plugin[], beside?: object): Promise<Module & { bytes: number }> {
  const entryPoints = [require.resolve('ioredis/built/resp/decoder.js')]
  const external = [`./${ON_DEMAND}`]
  const options = { bundle: true, minify: true, write: false, platform: 'node', format: 'cjs', external } as const
  const { outputFiles } = await build({ ...options, entryPoints, plugins })
  const [{ text = '' } = {}] = outputFiles
  const module = { exports: {} as Module }
  const load = (name: string) => (name === external[0] ? beside : require(name))
  new Function('module', 'exports', 'require', text)(module, module.exports, load)
  const { Decoder, seldom } = module.exports
  return { Decoder, seldom, bytes: text.length }
}

const line = fc.string({ unit: fc.constantFrom('a', 'é', '1', '-', ' '), maxLength: 8 })
const text = fc.string({ unit: fc.constantFrom('a', 'é', '\r', '\n', '$', '😀'), maxLength: 8 })
const blob = (mark: string) => text.map((value) => `${mark}${Buffer.byteLength(value)}\r\n${value}\r\n`)
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value).replace('e', 'E')),
  fc.constantFrom('inf', '-inf', 'nan', '10', '-0', '1.5', '.5', '3.E2'),
)

/** Replies of RESP2 and RESP3, each with the marks of its type. */
const { reply } = fc.letrec<{ reply: string; list: string }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('_\r\n', '#t\r\n', '#f\r\n', '$-1\r\n', '*-1\r\n'),
    fc.maxSafeInteger().map((value) => `:${value}\r\n`),
    fc.constantFrom(':+7\r\n', ':-0\r\n', '(+12\r\n'),
    fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map((value) => `(${value}\r\n`),
    double.map((value) => `,${value}\r\n`),
    line.map((value) => `+${value}\r\n`),
    line.map((value) => `-ERR ${value}\r\n`),
    blob('$'),
    blob('!'),
    text.map((value) => `=${Buffer.byteLength(value) + 4}\r\ntxt:${value}\r\n`),
    tie('list'),
  ),
  list: fc.oneof(
    fc.tuple(fc.constantFrom('*', '~', '>'), fc.array(tie('reply'), { maxLength: 4 })).map(many),
    fc
      .array(
        fc.tuple(
          fc.oneof(
            blob('$'),
            line.map((value) => `+${value}\r\n`),
          ),
          tie('reply'),
        ),
        { maxLength: 3 },
      )
      .map((members) => `%${members.length}\r\n${members.flat().join('')}`),
  ),
}))

function many([mark, items]: [string, string[]]): string {
  return `${mark}${items.length}\r\n${items.join('')}`
}

/** What a decoder reports, or the error of bytes that it cannot read. */
function decoded(Decoder: DecoderClass, chunks: readonly Buffer[], mapping: object): unknown[] {
  const reports: unknown[] = []
  const report = (kind: string) => (value: unknown) => reports.push([kind, value])
  const [onReply, onErrorReply, onPush] = ['reply', 'error', 'push'].map(report)
  const made = new Decoder({ onReply, onErrorReply, onPush, getTypeMapping: () => mapping })
  try {
    for (const chunk of chunks) made.write(chunk)
  } catch (error) {
    reports.push(['failure', String(error)])
  }
  return reports
}

function split(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    if (at < bytes.length) chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at))
  return chunks
}

test('whatever the replies are, and wherever their bytes are split', async () => {
  const [own, whole] = await Promise.all([decoder([]), decoder([wholeDecoder])])
  const lean = await decoder([leanDecoder], { decoder: whole.seldom })
  expect(whole.bytes).toBeLessThan(0.8 * own.bytes)
  expect(lean.bytes).toBeLessThan(0.75 * whole.bytes)
  const mappings = [{}, { 36: Buffer }, { 37: Map, 126: Set, 44: Number }, { 58: String, 37: Array, 35: Number }]
  const replies = fc.array(reply, { minLength: 1, maxLength: 4 })
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 200 })
  let read = 0
  fc.assert(
    fc.property(replies, sizes, fc.constantFrom(...mappings), (texts, cuts, mapping) => {
      const chunks = split(Buffer.from(texts.join('')), cuts)
      const reports = decoded(own.Decoder, chunks, mapping)
      for (const { Decoder } of [whole, lean]) expect(decoded(Decoder, chunks, mapping)).toEqual(reports)
      read += reports.length
    }),
    { numRuns: 500 },
  )
  // Most of them are replies that can be read.
  expect(read).toBeGreaterThan(500)
})
