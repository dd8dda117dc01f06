import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UriTemplate } from '../../lib/protocol/uri-template.ts'

const match = (template: string, uri: string) => {
  const found = new UriTemplate(template).match(uri)
  return found === undefined ? undefined : { ...found }
}

describe('a URI template', () => {
  it.each([
    ['test://template/{id}/data', 'test://template/123/data', { id: '123' }],
    ['file:///{+path}', 'file:///a/b/c.txt', { path: 'a/b/c.txt' }],
    ['file:///{+path}/meta/{name}', 'file:///a/meta/b/meta/c', { path: 'a/meta/b', name: 'c' }],
    ['{name}.{ext}', 'archive.tar.gz', { name: 'archive', ext: 'tar.gz' }],
    ['x:{a,b}', 'x:1,2', { a: '1', b: '2' }],
    ['x:{list*}', 'x:1,2,3', { list: ['1', '2', '3'] }],
    ['x:a{/b}', 'x:a/1', { b: '1' }],
    ['x:a{/b,c}', 'x:a/1/2', { b: '1', c: '2' }],
    ['x:a{/path*}', 'x:a/1/2/3', { path: ['1', '2', '3'] }],
    ['x:a{.ext}', 'x:a.json', { ext: 'json' }],
    ['x:a{;b,c}', 'x:a;c=2;b=1', { b: '1', c: '2' }],
    ['x:a{;b}/c', 'x:a/c', {}],
    ['x:a{?q,lang}', 'x:a?lang=en&q=a%20b', { q: 'a b', lang: 'en' }],
    ['x:a{?q,lang}', 'x:a?q=', { q: '' }],
    ['x:a{?q}', 'x:a', {}],
    ['x:a{?q*}', 'x:a?q=1&q=2', { q: ['1', '2'] }],
    ['x:a?fixed=1{&q}', 'x:a?fixed=1&q=2', { q: '2' }],
    ['x:a{#part}', 'x:a#here', { part: 'here' }],
    ['x:a{?q}{#part}', 'x:a?q=1#here', { q: '1', part: 'here' }],
    ['x:{a}', 'x:%E2%82%AC', { a: '€' }],
    ['x:{a}{b}{c}', 'x:12345', { a: '1', b: '2', c: '345' }],
    ['x:plain', 'x:plain', {}],
  ])('%s reads %s', (template, uri, variables) => {
    expect(match(template, uri)).toEqual(variables)
  })

  it.each([
    ['test://template/{id}/data', 'test://template//data'],
    ['test://template/{id}/data', 'test://template/1/2/data'],
    ['test://template/{id}', 'test://template/1?x=2'],
    ['test://template/{id}', 'test://Template/1'],
    ['x:a{?q}', 'x:a?other=1'],
    ['x:a{?q}', 'x:a?q=1&q=2'],
    ['x:{a}', 'x:%zz'],
    ['x:{a}', 'x:'],
    ['x:a{/b}', 'x:a'],
    ['x:plain', 'x:plainer'],
  ])('%s is not what %s is made from', (template, uri) => {
    expect(match(template, uri)).toBeUndefined()
  })

  it.each([
    ['x:{a', /without its "}"/],
    ['x:a}', /without its "{"/],
    ['x:{}', /not an expression/],
    ['x:{a,}', /not an expression/],
    ['x:{!a}', /not an expression/],
    ['x:{a:3}', /prefix/],
    ['x:{a}{?a}', /"a" occurs twice/],
  ])('%s is refused with a reason', (template, reason) => {
    expect(() => new UriTemplate(template)).toThrow(reason)
  })

  it('may have a variable with the name of a member that objects inherit', () => {
    const found = new UriTemplate('x:{toString}/{__proto__}').match('x:1/2')
    expect(found?.toString).toBe('1')
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })

  it('reads back every value that RFC 6570 expansion writes, but no dot segment of a path', () => {
    const value = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const [x, y, z] = [a, b, c].map(encodeURIComponent)
        const dots = [a, b].some((each) => /(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(each))
        const found = match('t://h/{a}/x{/b}{?c}', `t://h/${x}/x/${y}?c=${z}`)
        expect(found).toEqual(dots ? undefined : { a, b, c })
      }),
    )
  })

  it('matches every URI in time proportional to its length', () => {
    const template = new UriTemplate('x:{a}-{b}-{c}-{d}-{+e}-{f}!')
    const started = performance.now()
    for (let round = 0; round < 20; round++) template.match(`x:${'-'.repeat(8000)}`)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('does not match a URI that is longer than a resource needs', () => {
    expect(match('x:{a}', `x:${'a'.repeat(10_000)}`)).toBeUndefined()
  })
})
