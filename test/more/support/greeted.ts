/** The official clients use the server of `greeter.js`, wherever it is served. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { clients } from '../../examples/clients.ts'

/** The source of the server, for a file in a project. */
export const GREETER = readFileSync(join(import.meta.dirname, 'greeter.js'), 'utf8')

/** Each client, with sessions and without, gets progress, a question and its result. */
export async function expectGreetings(url: URL): Promise<void> {
  for (const [name, connect] of clients) {
    const asked: string[] = []
    const form = (message: string) => {
      asked.push(message)
      return { sure: true }
    }
    const client = await connect(url, { form })
    const heard: string[] = []
    const { text } = await client.call('greet', { name: 'Ada' }, (message) => heard.push(message))
    await client.close()
    expect({ name, text, asked }).toEqual({ name, text: 'Hello Ada', asked: ['Greet Ada?'] })
    expect(heard).toContain('asking about Ada')
  }
}
