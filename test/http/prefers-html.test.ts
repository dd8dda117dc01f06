import { describe, expect, it } from 'vitest'
import { prefersHtml } from '../../lib/http/prefers-html.ts'

describe('a GET prefers a page where its Accept header', () => {
  it.each([
    ['names text/html before a wildcard', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['names text/html beside a wildcard of the same weight', 'text/html, */*'],
    ['weighs text/html more than JSON', 'application/json;q=0.5, text/html'],
    ['weighs text/html more than streams', 'text/html;q=0.9, text/event-stream;q=0.8'],
    ['names text/html with a parameter of its own', 'text/html;level=1;q=0.7'],
    ['is written in capitals', 'TEXT/HTML;Q=1.000'],
    [
      'has weights without a zero in front, as Java writes them',
      'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2',
    ],
  ])('%s', (_, accept) => {
    expect(prefersHtml(accept)).toBe(true)
  })
})

describe('a GET prefers no page where its Accept header', () => {
  it.each([
    ['is missing', undefined],
    ['is empty', ''],
    ['is a wildcard', '*/*'],
    ['is a wildcard for text', 'text/*'],
    ['is that of clients', 'application/json, text/event-stream'],
    ['names another type that begins alike', 'text/html5, application/text/html'],
    ['refuses text/html', 'text/html;q=0, */*'],
    ['weighs text/html less than streams', 'text/html;q=0.8, text/event-stream;q=0.9'],
    ['names JSON with the same weight', 'text/html, application/json'],
    ['names streams with the same weight', 'text/event-stream, text/html'],
    ['weighs a wildcard more', 'text/html;q=0.5, */*'],
    ['weighs a wildcard for text more', 'text/html;q=0.5, text/*;q=0.6'],
    ['has a weight that cannot be read', 'text/html;q=much'],
    ['has a negative weight', 'text/html;q=-1'],
  ])('%s', (_, accept) => {
    expect(prefersHtml(accept)).toBe(false)
  })
})
