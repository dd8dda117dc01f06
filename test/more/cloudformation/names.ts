/** What the functions of a template name: resources, their attributes, parameters and conditions. */
import type { Template } from '../../deploy/template.ts'
import type { ResourceType } from './schema.ts'

const PSEUDO = ['AccountId', 'NotificationARNs', 'NoValue', 'Partition', 'Region', 'StackId', 'StackName', 'URLSuffix']

/** A function that names something, at its place in the template. */
interface Use {
  path: string
  kind: 'condition' | 'value' | 'attribute' | 'order'
  name: string
  attribute?: string
}

/** One line for each name that means nothing. */
export function unknownNames(template: Template, typeOf: (type: string) => ResourceType | undefined): string[] {
  const { Resources, Conditions, Parameters = {} } = template
  const exists = ({ kind, name, attribute = '' }: Use): boolean => {
    if (kind === 'condition') return Object.hasOwn(Conditions, name)
    if (kind === 'value' && name.startsWith('AWS::')) return PSEUDO.includes(name.slice(5))
    if (kind === 'value' && Object.hasOwn(Parameters, name)) return true
    const resource = Object.hasOwn(Resources, name) ? Resources[name] : undefined
    if (resource === undefined) return false
    return kind !== 'attribute' || Object.hasOwn(typeOf(resource.Type)?.attributes ?? {}, attribute)
  }
  return uses(template)
    .filter((use) => !exists(use))
    .map(({ path, name, attribute }) => `${path} names ${attribute ? `${name}.${attribute}` : name}`)
}

/** The resources that wait for each other in a circle, which CloudFormation refuses. */
export function circles(template: Template): string[] {
  const before = new Map<string, string[]>()
  for (const { path, kind, name } of uses(template)) {
    const [section, resource = ''] = path.split('.')
    if (section === 'Resources' && kind !== 'condition') before.set(resource, [...(before.get(resource) ?? []), name])
  }
  // Without those that wait for nothing that is left, again and again: what stays is in a circle, or waits for one.
  const left = new Set(Object.keys(template.Resources))
  const free = () => [...left].filter((name) => !before.get(name)?.some((one) => left.has(one)))
  for (let names = free(); names.length > 0; names = free()) for (const name of names) left.delete(name)
  return [...left]
}

function uses({ Resources, Conditions, Outputs = {} }: Template): Use[] {
  return walk('', { Resources, Conditions, Outputs })
}

function walk(path: string, value: unknown): Use[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    const at = path === '' ? key : `${path}.${key}`
    return [...usesOf(at, key, one), ...walk(at, one)]
  })
}

function usesOf(path: string, key: string, value: unknown): Use[] {
  if (key === 'Ref' && typeof value === 'string') return [{ path, kind: 'value', name: value }]
  // The statement of a policy has a Condition, too: an object.
  if (key === 'Condition' && typeof value === 'string') return [{ path, kind: 'condition', name: value }]
  if (key === 'Fn::If') return [{ path, kind: 'condition', name: (value as string[])[0] as string }]
  if (key === 'Fn::GetAtt') return [attribute(path, typeof value === 'string' ? value : (value as string[]).join('.'))]
  if (key === 'Fn::Sub') return substituted(path, value as string | [string, object])
  if (key === 'DependsOn' && path.split('.').length === 3) {
    return [value].flat().map((name) => ({ path, kind: 'order', name: name as string }))
  }
  return []
}

function attribute(path: string, text: string): Use {
  const dot = text.indexOf('.')
  return { path, kind: 'attribute', name: text.slice(0, dot), attribute: text.slice(dot + 1) }
}

/** The names in a text, without those of its own and without `${!…}`, which stays as it is. */
function substituted(path: string, value: string | [string, object]): Use[] {
  const [text, own] = typeof value === 'string' ? [value, {}] : value
  const names = [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name)
  return names
    .filter((name) => !Object.hasOwn(own, name))
    .map((name) => (name.includes('.') ? attribute(path, name) : { path, kind: 'value', name }))
}
