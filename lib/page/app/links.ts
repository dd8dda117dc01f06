/** The addresses of the views, behind the `#`: the browser keeps their history, and no server gets them. */
import type { ItemKey } from './runs.ts'

export type View = 'overview' | ItemKey

export function linkTo(view: View): string {
  if (view === 'overview') return '#/'
  const [kind, name] = partsOf(view)
  return `#/${kind}/${encodeURIComponent(name)}`
}

export function partsOf(key: ItemKey): [kind: string, name: string] {
  const at = key.indexOf(':')
  return [key.slice(0, at), key.slice(at + 1)]
}

export function viewOf(hash: string): View {
  const [, kind, name = ''] = /^#\/(tool|prompt|resource|template)\/(.+)$/.exec(hash) ?? []
  if (kind === undefined) return 'overview'
  try {
    return `${kind}:${decodeURIComponent(name)}` as ItemKey
  } catch {
    return 'overview'
  }
}
