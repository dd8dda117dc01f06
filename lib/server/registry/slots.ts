/** Registrations: the names and addresses under which entries are registered, checked at once. */
import { normalUri } from '../../protocol/uri.ts'
import type { ListKind } from './announcement.ts'
import {
  type GivenPrompt,
  type GivenResource,
  type GivenTemplate,
  type GivenTool,
  promptEntry,
  type RegisteredPrompt,
  type RegisteredResource,
  type RegisteredTemplate,
  type RegisteredTool,
  resourceEntry,
  templateEntry,
  toolEntry,
} from './entries.ts'
import { requireLimits } from './limits.ts'
import { type Registry, requireHint } from './registry.ts'
import type { ResourceTemplate } from './resource-template.ts'
import type { Section, Slot } from './section.ts'
import { requireVisible } from './visibility.ts'

/** Where the entries of one register call go, and how they are made. */
export interface Registrar<Given, Entry> {
  readonly registry: Registry
  readonly kind: ListKind
  readonly section: Section<Entry>
  /** @throws TypeError for a name or an address that is not valid */
  slot(given: Given): Slot<Entry>
}

/** 2025-11-25 and newer recommend 1 to 128 of these characters ("Tool Names"). */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/
/** Some clients make the name of a function for a model from it, and several models take no longer one. */
const SAFE_LENGTH = 64

export function toolRegistrar(registry: Registry): Registrar<GivenTool, RegisteredTool> {
  const slot = (given: GivenTool): Slot<RegisteredTool> => {
    const { name, config } = given
    if (typeof name !== 'string' || !TOOL_NAME.test(name)) {
      throw new TypeError(
        `Tool name ${JSON.stringify(name)}: 1 to 128 of the characters A-Z a-z 0-9 _ . / - are allowed.`,
      )
    }
    if (name.length > SAFE_LENGTH) {
      registry.warn(
        `Tool "${name}": the name has ${name.length} characters, and some clients refuse more than ${SAFE_LENGTH}.`,
      )
    }
    requireVisible(config.visible, `Tool "${name}"`)
    requireLimits(config, `Tool "${name}"`)
    const make = () => {
      const entry = toolEntry(given, registry)
      const { outputSchema } = entry.definition
      if (outputSchema !== undefined && outputSchema.type !== 'object') {
        registry.warn(
          `Tool "${name}": outputSchema is not one of an object, so clients before 2026-07-28 get the results as text alone.`,
        )
      }
      return entry
    }
    return { key: name, what: `A tool "${name}"`, make }
  }
  return { registry, kind: 'tools', section: registry.sections.tools, slot }
}

export function resourceRegistrar(registry: Registry): Registrar<GivenResource, RegisteredResource> {
  const slot = (given: GivenResource): Slot<RegisteredResource> => {
    const { name, place, config } = given
    requireName(name, 'resource')
    if (!URL.canParse(place)) {
      throw new TypeError(`Resource "${name}": ${JSON.stringify(place)} is not a URI with a scheme.`)
    }
    requireHint(config.cacheHint, name)
    requireVisible(config.visible, `Resource "${name}"`)
    return { key: normalUri(place), what: `A resource at "${place}"`, make: () => resourceEntry(given, registry) }
  }
  return { registry, kind: 'resources', section: registry.sections.resources, slot }
}

export function templateRegistrar(registry: Registry): Registrar<GivenTemplate, RegisteredTemplate> {
  const slot = (given: GivenTemplate): Slot<RegisteredTemplate> => {
    const { name, place, config } = given
    requireName(name, 'resource')
    requireHint(config.cacheHint, name)
    requireVisible(config.visible, `Resource "${name}"`)
    const { normal, text } = place.uriTemplate
    return { key: normal, what: `A template "${text}"`, make: () => templateEntry(given, registry) }
  }
  return { registry, kind: 'resources', section: registry.sections.templates, slot }
}

export function promptRegistrar(registry: Registry): Registrar<GivenPrompt, RegisteredPrompt> {
  const slot = (given: GivenPrompt): Slot<RegisteredPrompt> => {
    const { name, config } = given
    requireName(name, 'prompt')
    requireVisible(config.visible, `Prompt "${name}"`)
    return { key: name, what: `A prompt "${name}"`, make: () => promptEntry(given, registry) }
  }
  return { registry, kind: 'prompts', section: registry.sections.prompts, slot }
}

function requireName(name: string, kind: string): void {
  if (typeof name !== 'string' || name === '') throw new TypeError(`The name of a ${kind} must not be empty.`)
}

/** By a member: a server without templates has none of their code. Templates of the official SDK do not have it. */
export function isTemplate(place: string | ResourceTemplate): place is ResourceTemplate {
  return typeof place === 'object' && typeof place?.uriTemplate?.matchNormal === 'function'
}
