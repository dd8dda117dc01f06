/** A plugin for the decoder of the Redis client, whose private members are compiled for engines that have none. */
import assert from 'node:assert/strict'
import { ofRedisClient } from '../../own.ts'
import { unmark } from './redis-client.ts'
import { rewriting } from './rewriting.ts'

const CHANGED = 'resp/decoder.js of ioredis has changed'

/** The private members, and the names of the properties that they become. */
const MEMBERS: Readonly<Record<string, string>> = { cursor: 'at', next: 'next', pushTypeMapping: 'pushTypes' }

/** The numbers of `const NAME = { … }` in `text`, by the expressions that read them. */
function constants(text: string, name: string): Map<string, string> {
  const [, body = ''] =
    new RegExp(`^${name.replace('.', '\\.')} = \\{\n([^}]*)\\};`, 'm').exec(text.replaceAll('const ', '')) ?? []
  const rows = [...body.matchAll(/^ +(\w+|".*"): (\d+),/gm)]
  assert.ok(rows.length > 9, CHANGED)
  return new Map(
    rows.map(([, key = '', value = '']) => [key.startsWith('"') ? `${name}[${key}]` : `${name}.${key}`, value]),
  )
}

/**
 * Each private member of the decoder is a key of a WeakMap, each private method a variable, and helpers read and write them: half
 * of the code, and a look-up for each byte of a reply. Here the members are properties of the decoder, the methods are called
 * without a helper, and the constants are numbers.
 */
export const leanDecoder = rewriting('lean-decoder', ofRedisClient('resp/decoder\\.js'), (text) => {
  const member = (name: string) => `this.${MEMBERS[name] ?? assert.fail(CHANGED)}`
  const numbers = new Map([...constants(text, 'exports.RESP_TYPES'), ...constants(text, 'ASCII')])
  const code = unmark(text)
    .replace(/^var __classPrivateField[GS]et = [\s\S]*?^\};\n/gm, '')
    .replaceAll(/__classPrivateFieldGet\(_a, _a, "f", (\w+)\)/g, '$1.value')
    .replaceAll(/__classPrivateFieldGet\(this, _Decoder_instances, "m", (\w+)\)/g, '$1')
    .replaceAll(/__classPrivateFieldGet\(this, _Decoder_(\w+), "f"\)/g, (_, name: string) => member(name))
    .replaceAll(
      /__classPrivateFieldSet\(this, _Decoder_(\w+), ((?:(?!__class)[\s\S])*?), "f"\)/g,
      (_, name: string, value: string) => `(${member(name)} = ${value})`,
    )
    .replaceAll(
      / _Decoder_(\w+)\.set\(this, (.*)\);/g,
      (_, name: string, value: string) => ` ${member(name)} = ${value};`,
    )
    .replace(/ _Decoder_instances\.add\(this\);/, '')
    .replaceAll(/ _Decoder_\w+ = new Weak(?:Map|Set)\(\),/g, '')
    .replaceAll(
      /\b(?:exports\.RESP_TYPES|ASCII)(?:\.\w+|\[".*?"\])/g,
      (name) => numbers.get(name) ?? assert.fail(CHANGED),
    )
  assert.doesNotMatch(code, /__classPrivate|Weak|_Decoder_\w+\.(?:set|add)\(/, CHANGED)
  return code
})
