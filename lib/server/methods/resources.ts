/** `resources/read`. */

import { downgradeReadResult } from '../../protocol/downgrade.ts'
import { invalidParams } from '../../protocol/errors.ts'
import { features } from '../../protocol/revisions.ts'
import type { ReadResourceResult } from '../../protocol/types.ts'
import { Context } from '../context/context.ts'
import { requireContents } from './faults.ts'
import { disabled, type MethodHandler, viewerOf } from './method.ts'
import { resourceNotFound } from './not-found.ts'

/**
 * Reads a resource.
 *
 * @throws ProtocolError -32602 without a URI, and for a resource that is disabled; for a URI without a resource, -32002 in a
 *   session and -32602 in the stateless revision
 */
export const readResource: MethodHandler = async (registry, params, channel, ctx) => {
  const text = params?.uri
  if (typeof text !== 'string') throw invalidParams('"uri" must be a string.')
  const found = registry.findResource(text, viewerOf(registry, channel))
  if (found === undefined) throw resourceNotFound(text, channel)
  const { entry, uri, variables } = found
  if (!entry.enabled) throw disabled('resource', text)
  const result = (await entry.handler(uri, variables, ctx ?? new Context(channel, params))) as ReadResourceResult
  requireContents(result, `The resource "${entry.definition.name}"`)
  if (!features(channel.revision).cacheHints) return ctx ? result : downgradeReadResult(result, channel.revision)
  // Where an entry before this one is hidden, other callers read that one.
  const first = registry.hides ? registry.findResource(text)?.entry : undefined
  const about = first === undefined ? [entry] : [entry, first]
  return { ...result, ...registry.cacheHint('resources/read', 0, about, entry.cacheHint) }
}
