import { UriTemplate } from '../../protocol/uri-template.ts'
import type { Completer } from './completable.ts'
import type { ListResourcesCallback } from './config.ts'

export interface ResourceTemplateOptions {
  /** The resources of the template, for `resources/list`. */
  list?: ListResourcesCallback | undefined
  /** Completions by variable. */
  complete?: Readonly<Record<string, Completer>> | undefined
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
export class ResourceTemplate {
  readonly uriTemplate: UriTemplate
  readonly list: ListResourcesCallback | undefined
  readonly complete: ReadonlyMap<string, Completer>

  constructor(uriTemplate: string, options: ResourceTemplateOptions = {}) {
    this.uriTemplate = new UriTemplate(uriTemplate)
    this.list = options.list
    this.complete = new Map(Object.entries(options.complete ?? {}))
    for (const name of this.complete.keys()) {
      if (!this.uriTemplate.variables.includes(name)) {
        throw new TypeError(`URI template "${uriTemplate}" has no variable "${name}" to complete.`)
      }
    }
  }
}
