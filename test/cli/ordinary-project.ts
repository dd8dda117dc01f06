/** A server as authors write them: what Node's type stripping does not run. */

export const ORDINARY: Record<string, string> = {
  'tsconfig.json': `{
  // Comments are allowed here.
  "compilerOptions": {
    "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "strict": true,
    "experimentalDecorators": true, "useDefineForClassFields": false,
    "paths": { "@app/*": ["./src/*"] },
  },
}`,
  'src/server.ts': `
import { McpServer } from 'mcp-anywhere'
import { z } from 'zod'
import type { Stored } from './types'
import { Stored as Again } from './types.js'
import { Level } from './level.js'
import { Notes } from '@app/notes'
import words from '../legacy/words.cjs'
import { createRequire } from 'node:module'

const dirname = __dirname
const require = createRequire(import.meta.url)

export const server = new McpServer({ name: 'ordinary', version: '1.0.0' })
const notes = new Notes('kept')

server.registerTool('describe', { inputSchema: z.object({ text: z.string() }) }, ({ text }) => {
  const note: Stored & Again = notes.add(text)
  const facts = [note.by, Level[Level.High], words.shout(note.text), notes.calls.join(), typeof dirname, require('node:path').sep]
  return { content: [{ type: 'text', text: facts.join(' ') }] }
})
`,
  'src/types.ts': 'export interface Stored { by: string; text: string }',
  'src/level.ts': 'export enum Level { Low, High = 3 }',
  'src/notes/index.ts': `
import { counted } from '../counted'
import type { Stored } from '@app/types'

export class Notes {
  calls: string[] = []
  constructor(private readonly owner: string) {}

  @counted
  add(text: string): Stored {
    return { by: this.owner, text }
  }
}
`,
  'src/counted.ts': `
export function counted(_target: object, name: string, descriptor: PropertyDescriptor): void {
  const original = descriptor.value as (...args: unknown[]) => unknown
  descriptor.value = function (this: { calls: string[] }, ...args: unknown[]) {
    this.calls.push(name)
    return original.apply(this, args)
  }
}
`,
  'legacy/words.cjs': `
const path = require('path')
exports.shout = (text) => path.basename('/x/' + text).toUpperCase()
`,
}

/** What the tool \`describe\` answers to "hello". */
export const DESCRIBED = 'kept High HELLO add string /'
