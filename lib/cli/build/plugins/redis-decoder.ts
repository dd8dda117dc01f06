/** Plugins for the decoder of the Redis client, whose private members are compiled for engines that have none. */
import assert from 'node:assert/strict'
import { ofRedisClient } from '../../own.ts'
import { ON_DEMAND, unmark } from './redis-client.ts'
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
function withoutHelpers(text: string): string {
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
}

/**
 * What replies to this project's commands do not have: numbers that are no integers or too large for one, and sets and maps that are
 * read as objects. The first of a row is called by the other methods, and by the others of the row only they themselves.
 */
const SELDOM = [
  ['decodeBigNumber', 'maybeDecodeBigNumberValue', 'decodeBigNumberValue', 'decodeUnsingedBigNumber'],
  [
    'decodeDouble',
    'maybeDecodeDoubleInteger',
    'decodeDoubleInteger',
    'continueDecodeDoubleInteger',
    'decodeDoubleDecimal',
    'decodeDoubleExponent',
    'continueDecodeDoubleExponent',
  ],
  ['decodeSetAsSet', 'continueDecodeSetAsSet'],
  ['decodeMapAsMap', 'continueDecodeMapKey', 'continueDecodeMapValue'],
  ['decodeMapAsObject', 'continueDecodeMapAsObjectKey', 'continueDecodeMapAsObjectValue'],
  // Called by the two rows before this one.
  ['', 'decodeMapKey', 'decodeMapKeyValue'],
] as const

const ENTRIES = SELDOM.flatMap(([name]) => name || [])

/** The decoder in the bundle: seldom used methods are those of the other file, called with this decoder. */
function withoutSeldom(text: string): string {
  let code = text.replace(/^_Decoder_DOUBLE_DECIMAL_MULTIPLIERS = \{[\s\S]*?^ +\] \};$/m, '')
  for (const [entry, ...names] of SELDOM) {
    for (const name of entry ? [entry, ...names] : names) {
      const method = new RegExp(`, _Decoder_${name} = function \\w+\\([\\s\\S]*?\\n\\}(?=[,;])`)
      assert.match(code, method, CHANGED)
      const called = `require('./${ON_DEMAND}').decoder.${name}.apply(this, arguments)`
      code = code.replace(method, name === entry ? `, _Decoder_${name} = function () { return ${called} }` : '')
    }
    for (const name of names) {
      code = code.replace(` _Decoder_${name},`, '').replace(`, _Decoder_${name};`, ';')
      assert.doesNotMatch(code, new RegExp(`_Decoder_${name}\\b`), CHANGED)
    }
  }
  return code.replace(' _Decoder_DOUBLE_DECIMAL_MULTIPLIERS,', '')
}

const FILE = ofRedisClient('resp/decoder\\.js')

export const leanDecoder = rewriting('lean-decoder', FILE, (text) => withoutSeldom(withoutHelpers(text)))

/** For {@link ON_DEMAND}: the methods that the decoder of the bundle has not, for decoders of both. */
export const wholeDecoder = rewriting('whole-decoder', FILE, (text) => {
  const names = ENTRIES.map((name) => `${name}: _Decoder_${name}`)
  return `${withoutHelpers(text)}\nexports.seldom = { ${names} };`
})
