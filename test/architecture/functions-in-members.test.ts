/**
 * V8 allocates a function in its old space where the function is assigned to a member as it is written
 * (`this.settle = () => …`). It keeps all that it refers to until the next major garbage collection, so that what a request
 * leaves behind survives the minor ones. A function for one request gets a variable first.
 */
import { expect, test } from 'vitest'
import { root } from '../../tools/build.ts'
import { sources, strip } from '../../tools/source.ts'

const ASSIGNED =
  /[\w\])]\.#?\w+\s*(?:\?\?|\|\||&&)?=\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*(?::[^=;{}]*)?=>|\w+\s*=>)/g
/** Code that runs for requests. */
const SERVING = /^lib\/(?:http|session|stateless|runtime|server|store|auth|protocol|base)\//

function assignedIn(text: string): string[] {
  return [...strip(text, 'blank').matchAll(ASSIGNED)].map(([found]) => found)
}

/** Once for each connection that waits for mail. */
const ALLOWED = ['lib/store/redis/receive.ts']

test('no function of a request is assigned to a member where it is written', () => {
  const found = [...sources(root, ['lib'])]
    .filter(([path]) => SERVING.test(path) && !ALLOWED.includes(path))
    .flatMap(([path, text]) => assignedIn(text).map((each) => `${path}: ${each}`))
  expect(found).toEqual([])
})

test.each([
  'this.#settle = (given) => given',
  'this.reject = async (error) => {}',
  'state.pull ??= () => 1',
  'command.done = function () {}',
  'this.#settle = (given: Error): void => {}',
])('finds %s', (text) => {
  expect(assignedIn(text)).toHaveLength(1)
})

test.each([
  'const settle = (given) => given',
  'this.#settle = settle',
  'this.#timer = clock.after(5, () => {})',
  'return promise.then((value) => value)',
  'if (this.size === (a) => b) {}',
])('does not find %s', (text) => {
  expect(assignedIn(text)).toHaveLength(0)
})
