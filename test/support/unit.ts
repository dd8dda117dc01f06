/** Reads units of systemd. */
import { readFileSync } from 'node:fs'

/** The unit of an instance, without what is behind its `@`. */
export const UNIT = new URL('../../infra/systemd/mcp-anywhere@.service', import.meta.url)

/** The settings of the section `[Service]`: of each the lines, in their order. `%i` is replaced by `instance`. */
export function readUnit(instance: string): Map<string, string[]> {
  const text = readFileSync(UNIT, 'utf8')
  const [, service = ''] = /^\[Service\]\n([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text) ?? []
  const settings = new Map<string, string[]>()
  for (const [, name = '', value = ''] of service.matchAll(/^(\w+)=(.*)$/gm)) {
    settings.set(name, [...(settings.get(name) ?? []), value.replaceAll('%i', instance)])
  }
  return settings
}

/** The variables of its `Environment=` lines. */
export function environmentOf(settings: ReadonlyMap<string, string[]>): Record<string, string> {
  const words = (settings.get('Environment') ?? []).flatMap((line) => line.split(' '))
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
}
