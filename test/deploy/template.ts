/** Templates of CloudFormation: their short forms, and what their conditions choose. */
import { parse } from 'yaml'

export interface Resource {
  Type: string
  Condition?: string
  DependsOn?: string | string[]
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation has a shape for each of its types
  UpdatePolicy?: any
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation has a shape for each of its types
  Properties: any
}
export interface Template {
  Resources: Record<string, Resource>
  // biome-ignore lint/suspicious/noExplicitAny: functions of CloudFormation
  Conditions: Record<string, any>
  Parameters?: Record<string, unknown>
  Outputs?: Record<string, { Condition?: string; Value: unknown }>
}

/** A template in YAML, with `!Ref` and `!GetAtt` in their long forms. */
export function parseTemplate(text: string): Template {
  const customTags = [
    { tag: '!Ref', resolve: (name: string) => ({ Ref: name }) },
    { tag: '!GetAtt', resolve: (path: string) => ({ 'Fn::GetAtt': path.split(/\.(.*)/, 2) }) },
  ]
  return { Conditions: {}, ...parse(text, { customTags }) } as Template
}

/** What CloudFormation makes of a condition of the template. */
export function holds({ Conditions }: Template, name: string): boolean {
  // biome-ignore lint/suspicious/noExplicitAny: functions of CloudFormation
  const value = (condition: any): boolean => {
    if (condition.Condition) return value(Conditions[condition.Condition])
    if (condition['Fn::Not']) return !value(condition['Fn::Not'][0])
    return condition['Fn::Equals'][0] === condition['Fn::Equals'][1]
  }
  return value(Conditions[name])
}

/** The resources that CloudFormation makes: those without a condition, and those whose condition holds. */
export function made(template: Template): string[] {
  return Object.entries(template.Resources)
    .filter(([, { Condition }]) => Condition === undefined || holds(template, Condition))
    .map(([name]) => name)
}

/** The template without its conditions: what is made, and the branches that are taken. */
export function settled(template: Template): Template {
  const value = (given: unknown): unknown => {
    if (Array.isArray(given)) return given.map(value).filter((one) => one !== undefined)
    if (typeof given !== 'object' || given === null) return given
    if ('Ref' in given && given.Ref === 'AWS::NoValue') return undefined
    if ('Fn::If' in given) {
      const [name, first, second] = given['Fn::If'] as [string, unknown, unknown]
      return value(holds(template, name) ? first : second)
    }
    const entries = Object.entries(given).map(([key, one]) => [key, value(one)])
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined))
  }
  const names = made(template)
  const Resources = Object.fromEntries(Object.entries(template.Resources).filter(([name]) => names.includes(name)))
  const Outputs = Object.entries(template.Outputs ?? {}).filter(
    ([, { Condition }]) => Condition === undefined || holds(template, Condition),
  )
  return value({ ...template, Resources, Outputs: Object.fromEntries(Outputs) }) as Template
}
