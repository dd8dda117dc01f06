/** The commands of `aws` that documents and files of deployments tell their readers to run. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../tools/build.ts'

export interface Script {
  /** The file, and the line in it. */
  at: string
  /** What a reader pastes. */
  text: string
}

const COMMAND = /(?:^|[\s(])aws [a-z]/

/** @throws Error where a file of the list does not exist */
export function writtenScripts(): Script[] {
  const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  const infra = readdirSync(join(root, 'infra'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(ya?ml|conf|cfg|cjs)$/.test(name),
  )
  return [
    ...['README.md', ...documents.map((name) => `docs/${name}`)].flatMap(ofDocument),
    ...['serverless.yml', ...infra.map((name) => `infra/${name}`)].flatMap(ofComments),
  ]
}

/** Fences, as wholes, since their commands use variables of one another; and code within sentences. */
function ofDocument(path: string): Script[] {
  const text = readFileSync(join(root, path), 'utf8')
  const fences = [...text.matchAll(/^( *)```sh\n([\s\S]*?)^\1```/gm)]
  const sentences = text.replace(/^( *)```[\s\S]*?^\1```/gm, (fence) => fence.replace(/[^\n]/g, ' '))
  const inline = [...sentences.matchAll(/`(aws [^`]+)`/g)]
  return [
    ...fences.map(({ index, 2: script = '' }) => ({ at: lineAt(path, text, index), text: script })),
    ...inline.map(({ index, 1: command = '' }) => ({
      at: lineAt(path, text, index),
      text: command.replace(/\s+/g, ' '),
    })),
  ].filter(({ text: script }) => COMMAND.test(script))
}

/** The commands of a file's comments, in one script. */
function ofComments(path: string): Script[] {
  const text = readFileSync(join(root, path), 'utf8')
  const commands = [...text.matchAll(/^# +(aws (?:.*\\\n# *)*.*)$/gm)]
  const [first] = commands
  if (!first) return []
  const lines = commands.map(([, command = '']) => command.replace(/\n#/g, '\n'))
  return [{ at: lineAt(path, text, first.index), text: lines.join('\n') }]
}

const lineAt = (path: string, text: string, index: number) => `${path}:${text.slice(0, index).split('\n').length}`
