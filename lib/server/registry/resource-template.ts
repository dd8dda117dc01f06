import { UriTemplate, type VariablesOf } from '../../protocol/uri-template.ts'
import type { Completer } from './completable.ts'
import type { ListResourcesCallback } from './config.ts'

/** `T`: the text of the template, which names the variables. */
export interface ResourceTemplateOptions<T extends string = string> {
  /** The resources of the template, for `resources/list`. */
  list?: ListResourcesCallback | undefined
  /** Completions by variable. */
  complete?: { readonly [Name in keyof VariablesOf<T>]?: Completer | undefined } | undefined
}

/**
 * A family of resources: an RFC 6570 URI template for `registerResource`. The template matches a URI in every spelling
 * (lib/protocol/uri.ts), and none with a segment `..` in its path, escaped or not. A value may have a `/` that was escaped.
 *
 * @throws TypeError for a template that cannot be matched, or completions for a variable it does not have
 *
 * @example
 * new ResourceTemplate('notes://{id}', { list: () => ({ resources: allNotes() }) })
 */
export class ResourceTemplate<T extends string = string> {
  readonly uriTemplate: UriTemplate
  readonly list: ListResourcesCallback | undefined
  readonly complete: ReadonlyMap<string, Completer>

  /** @param uriTemplate its text, or an object that gives it, such as a `UriTemplate` of the official SDK */
  constructor(uriTemplate: T | { toString(): string }, options: ResourceTemplateOptions<T> = {}) {
    this.uriTemplate = new UriTemplate(uriTemplate.toString())
    this.list = options.list
    const complete = new Map<string, Completer>()
    for (const [name, completer] of Object.entries<Completer | undefined>(options.complete ?? {})) {
      if (!this.uriTemplate.variables.includes(name)) {
        throw new TypeError(`URI template "${this.uriTemplate.text}" has no variable "${name}" to complete.`)
      }
      if (completer !== undefined) complete.set(name, completer)
    }
    this.complete = complete
  }

  /** {@link list}, under the name of the official SDK. */
  get listCallback(): ListResourcesCallback | undefined {
    return this.list
  }

  /** The completions of a variable. */
  completeCallback(variable: keyof VariablesOf<T> & string): Completer | undefined {
    return this.complete.get(variable)
  }
}
