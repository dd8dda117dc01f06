import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalTemplate, normalUri, UriSet } from '../../lib/protocol/uri.ts'

describe('the normal form of a URI', () => {
  it.each([
    ['HTTPS://API.Example.com', 'https://api.example.com/'],
    ['https://User:Pass@Example.com:443', 'https://User:Pass@example.com:443/'],
    ['https://h?q', 'https://h/?q'],
    ['https://h#f', 'https://h/#f'],
    ['http://h%2A/%2a', 'http://h%2A/%2A'],
    ['ws://H', 'ws://h'],
    ['note://Tea', 'note://Tea'],
    ['file://HOST/A b', 'file://host/A%20b'],
    ['file:///café/"<>\\^`{|}', 'file:///caf%C3%A9/%22%3C%3E%5C%5E%60%7B%7C%7D'],
    ['x:%41%7e%2e%2f%252e', 'x:A~.%2F%252e'],
    ['x:a/../b/./c', 'x:a/../b/./c'],
    ['x:%2%65', 'x:%2%65'],
    ['x:%%32e', 'x:%%32e'],
    ['x:\ud800', 'x:%EF%BF%BD'],
    ['x:\u017f\u212a', 'x:%C5%BF%E2%84%AA'],
    ['no scheme', 'no%20scheme'],
  ])('%s is %s', (uri, normal) => {
    expect(normalUri(uri)).toBe(normal)
  })

  const RESERVED = "!#$&'()*+,/:;=?@[]"
  const character = fc.oneof(
    fc.constantFrom(...RESERVED, ...'aZ0.-_~% {}"\\é€\u{1f375}'),
    fc.constantFrom(
      ...[...RESERVED, ...'aA.~%\u00e9'].map((each) => encodeURIComponent(each)),
      '%2e',
      '%2f',
      '%25',
      '%4',
    ),
  )
  const uris = fc
    .tuple(
      fc.constantFrom('http://', 'HTTPS://', 'file:///', 'note://', 'x:', ''),
      fc.array(character, { maxLength: 12 }),
    )
    .map(([head, tail]) => head + tail.join(''))

  it('is its own normal form', () => {
    fc.assert(
      fc.property(uris, (uri) => {
        expect(normalUri(normalUri(uri))).toBe(normalUri(uri))
      }),
      { numRuns: 5_000 },
    )
  })

  it('of a URI that the URL parser accepts is accepted too, with the same parts', () => {
    fc.assert(
      fc.property(uris, (uri) => {
        fc.pre(URL.canParse(uri) && !/[\t\n\r]|^\s|\s$/.test(uri) && !/^(?:https?|file):.*\\/i.test(uri))
        expect(URL.canParse(normalUri(uri))).toBe(true)
        expect(new URL(normalUri(uri)).protocol).toBe(new URL(uri).protocol)
      }),
    )
  })

  it('keeps every reserved character, escaped or not', () => {
    const marks = (uri: string) => {
      // The one exception: an empty path of http and https is "/".
      const text = uri.replace(/^(https?:\/\/[^/?#]*)(?=[?#]|$)/i, '$1/')
      return text
        .match(/[!#$&'()*+,/:;=?@[\]]|%(?:2[1346789abcf]|3[abdf]|40|5[bd]|25)/gi)
        ?.map((each) => each.toUpperCase())
    }
    fc.assert(
      fc.property(uris, (uri) => {
        expect(marks(normalUri(uri))).toEqual(marks(uri))
      }),
      { numRuns: 5_000 },
    )
  })

  it('is the same for two URIs only if they have the same reserved characters', () => {
    const swapped = fc.tuple(uris, fc.nat(), fc.constantFrom(...RESERVED))
    fc.assert(
      fc.property(swapped, ([uri, at, mark]) => {
        const place = at % (uri.length + 1)
        const other = `${uri.slice(0, place)}${mark}${uri.slice(place)}`
        // Of http and https "/" at the end of the host is what is missing there.
        fc.pre(!(mark === '/' && /^https?:\/\/[^/?#]*\/(?:[?#]|$)/i.test(other)))
        expect(normalUri(other)).not.toBe(normalUri(uri))
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('the normal form of a template', () => {
  it.each([
    ['https://H{?q}', 'https://h/{?q}'],
    ['https://{Sub}.Example.com{/path}', 'https://{Sub}.example.com{/path}'],
    ['https://h', 'https://h/'],
    ['file:///my docs/{n}', 'file:///my%20docs/{n}'],
    ['file:///café/{Name}%2e{ext}', 'file:///caf%C3%A9/{Name}.{ext}'],
    ['note://Tea/{%41b}', 'note://Tea/{%41b}'],
  ])('%s is %s', (template, normal) => {
    expect(normalTemplate(template)).toBe(normal)
    expect(normalTemplate(normal)).toBe(normal)
  })
})

it('a set of URIs has the spellings of each', () => {
  const set = new UriSet(['https://a', 'https://A/', 'note://b'])
  expect([...set.spellings({ uri: 'https://a/' })]).toEqual(['https://a', 'https://A/'])
  set.delete('https://a')
  expect([...set.spellings({ uri: 'https://a/' })]).toEqual(['https://A/'])
  expect([...set.spellings({ uri: 'note://B' })]).toEqual([])
  set.delete('https://A/')
  expect([...set]).toEqual(['note://b'])
})
