/** The words that a shell makes of the commands of a snippet. */
import { execFileSync } from 'node:child_process'

/** Stand for the commands: each prints its words, and ends the line with a character that no word has. */
const STUBS = ['claude', 'gemini', 'ngrok', 'curl', 'read']
  .map((name) => `${name}() { printf '%s\\0' ${name} "$@"; printf '\\1\\0'; }`)
  .join('\n')

/**
 * Runs the text by bash, where every command of a snippet only prints its words.
 *
 * @returns the words of each command; it throws where the shell finds a fault
 */
export function wordsOf(text: string): string[][] {
  const output = execFileSync('bash', ['-u', '-c', `PATH=\n${STUBS}\nMCP_TOKEN=secret\n${text}`], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const commands: string[][] = [[]]
  for (const word of output.split('\0').slice(0, -1)) {
    if (word === '\u0001') commands.push([])
    else commands.at(-1)?.push(word)
  }
  return commands.slice(0, -1)
}
