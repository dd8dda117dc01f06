/** The resource types of CloudFormation, from AWS's own schemas, and what of a template does not fit them. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Template } from '../../deploy/template.ts'

/** The type of a value, as the database has it. */
interface Type {
  type: string
  allowedValues?: unknown[]
  element?: Type
  types?: Type[]
  reference?: unknown
}
type Properties = Record<string, { type: Type; required?: boolean }>

/** Of the database of `@aws-cdk/aws-service-spec`. */
interface Database {
  lookup(kind: 'resource', index: 'cloudFormationType', operator: 'equals', value: string): ResourceType[]
  lookup(kind: 'metric', index: 'name', operator: 'equals', value: string): Metric[]
  follow(relation: 'usesDimensionSet', from: Metric): { entity: { dimensions: { name: string }[] } }[]
  get(kind: 'typeDefinition', reference: unknown): { properties: Properties }
}
interface Metric {
  namespace: string
}
export interface ResourceType {
  properties: Properties
  /** What Fn::GetAtt may name. */
  attributes: Record<string, unknown>
}

/** What a resource has beside its properties. */
const AROUND = [
  ...['Type', 'Properties', 'Condition', 'DependsOn', 'Metadata'],
  ...['CreationPolicy', 'DeletionPolicy', 'UpdatePolicy', 'UpdateReplacePolicy'],
]

const TAG: Properties = {
  Key: { type: { type: 'string' }, required: true },
  Value: { type: { type: 'string' }, required: true },
}

const PRIMITIVES: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  'date-time': (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  json: (value) => isObject(value) || Array.isArray(value),
}

export class Schema {
  readonly #database: Database

  /** @param packages a `node_modules` with `@aws-cdk/aws-service-spec` */
  constructor(packages: string) {
    const tools = createRequire(join(packages, 'name.js'))
    this.#database = tools('@aws-cdk/aws-service-spec').loadAwsServiceSpecSync()
  }

  resource(type: string): ResourceType | undefined {
    return this.#database.lookup('resource', 'cloudFormationType', 'equals', type)[0]
  }

  /** The dimensions under which a metric is published, each list sorted; none where AWS has no such metric. */
  dimensions(namespace: string, name: string): string[][] {
    return this.#database
      .lookup('metric', 'name', 'equals', name)
      .filter((metric) => metric.namespace === namespace)
      .flatMap((metric) => this.#database.follow('usesDimensionSet', metric))
      .map(({ entity }) => entity.dimensions.map((dimension) => dimension.name).sort())
  }

  /**
   * One line for each value that does not fit. Functions (`Ref`, `Fn::…`) fit everywhere.
   *
   * @param template whose conditions are settled
   */
  problems({ Resources }: Template): string[] {
    return Object.entries(Resources).flatMap(([name, resource]) => {
      const unknown = Object.keys(resource).filter((key) => !AROUND.includes(key))
      const around = unknown.map((key) => `${name}.${key} is nothing that a resource has`)
      const type = this.resource(resource.Type)
      if (type === undefined) return [...around, `${name} has the unknown type ${resource.Type}`]
      return [...around, ...this.#object(name, resource.Properties ?? {}, type.properties)]
    })
  }

  #object(path: string, value: unknown, properties: Properties): string[] {
    if (!isObject(value)) return [`${path} must be an object`]
    const missing = Object.keys(properties).filter((name) => properties[name]?.required && !Object.hasOwn(value, name))
    return [
      ...missing.map((name) => `${path}.${name} is missing`),
      ...Object.entries(value).flatMap(([name, one]) => {
        const property = Object.hasOwn(properties, name) ? properties[name] : undefined
        return property ? this.#value(`${path}.${name}`, one, property.type) : [`${path}.${name} is no property`]
      }),
    ]
  }

  #value(path: string, value: unknown, type: Type): string[] {
    if (isFunction(value)) return []
    if (type.type === 'ref') {
      return this.#object(path, value, this.#database.get('typeDefinition', type.reference).properties)
    }
    if (type.type === 'tag') return this.#object(path, value, TAG)
    if (type.type === 'union') {
      const each = (type.types ?? []).map((one) => this.#value(path, value, one))
      return each.some((problems) => problems.length === 0) ? [] : (each[0] ?? [])
    }
    if (type.type === 'array' || type.type === 'map') {
      if (type.type === 'array' ? !Array.isArray(value) : !isObject(value))
        return [`${path} must be of type ${type.type}`]
      return Object.entries(value as object).flatMap(([key, one]) =>
        this.#value(`${path}.${key}`, one, type.element as Type),
      )
    }
    const fits = PRIMITIVES[type.type]
    if (fits === undefined) throw new Error(`The schema has a type that this check does not know: ${type.type}`)
    if (!fits(value)) return [`${path} must be of type ${type.type}: ${JSON.stringify(value)}`]
    const { allowedValues } = type
    if (allowedValues && !allowedValues.includes(value)) return [`${path} must be one of ${allowedValues.join(', ')}`]
    return []
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether CloudFormation computes the value. */
function isFunction(value: unknown): boolean {
  const keys = isObject(value) ? Object.keys(value) : []
  return keys.length === 1 && /^(Ref|Fn::\w+)$/.test(keys[0] ?? '')
}
