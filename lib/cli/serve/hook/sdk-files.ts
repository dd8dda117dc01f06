/**
 * The files of the official SDK that a program loads. A line is added to those that declare the classes of servers and of the
 * stdio transport, in whichever file a release has them: it hands the classes to the hook.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageOf } from '../../own.ts'

/** A copy of the official SDK. A program may have several. */
export interface SdkCopy {
  name: string
  version: string
}

/** The global symbol under which the added line finds the hook. */
export const HOOK = 'mcp-anywhere.serve'

const PACKAGES = ['@modelcontextprotocol/sdk', '@modelcontextprotocol/server']
const CLASSES = ['StdioServerTransport', 'McpServer', 'Protocol']
const DECLARED = /\b(?:class (\w+)\b|(\w+) = class\b)/g

/** By folder: which copy of the SDK its files belong to. */
const copies = new Map<string, SdkCopy | undefined>()

/** The copy of the SDK that a file belongs to. */
export function copyOf(url: string): SdkCopy | undefined {
  if (!url.startsWith('file:')) return undefined
  // Of the many files of a program, those of the SDK are in a folder `dist`, in both lines.
  if (!/[/\\]dist[/\\]/.test(url)) return undefined
  const file = fileURLToPath(url)
  const folder = dirname(file)
  if (!copies.has(folder)) {
    const { name = '', version = '' } = packageOf(file)?.manifest ?? {}
    copies.set(folder, PACKAGES.includes(name) ? { name, version } : undefined)
  }
  return copies.get(folder)
}

/** The text of a file of the SDK with the line for the hook. Undefined: the file declares nothing that the hook needs. */
export function withHook(text: string, copy: SdkCopy, format: string | null | undefined): string | undefined {
  const declared = new Set([...text.matchAll(DECLARED)].map(([, first, second]) => first ?? second ?? ''))
  const classes = CLASSES.filter((name) => declared.has(name))
  const hook = `globalThis[Symbol.for(${JSON.stringify(HOOK)})]`
  const lines = []
  if (classes.length > 0) lines.push(`${hook}.found({ ${classes.join(', ')} }, ${JSON.stringify(copy)});`)
  if (/\bfunction serveStdio\(/.test(text)) {
    lines.push(`serveStdio = ${hook}.serveStdio(serveStdio, ${JSON.stringify(copy)});`)
    if (format === 'commonjs') lines.push('exports.serveStdio = serveStdio;')
  }
  return lines.length > 0 ? `${text}\n${lines.join('\n')}\n` : undefined
}
