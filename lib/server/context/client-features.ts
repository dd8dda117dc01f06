/** What may be asked of a client: only what it declared, and only what its revision has. */
import { isAtLeast, type Revision } from '../../protocol/revisions.ts'
import type { CreateMessageRequestParams } from '../../protocol/types.ts'
import type { ClientView } from './client-channel.ts'
import { MissingCapability } from './errors.ts'

/** @throws MissingCapability */
export function requireElicitation({ capabilities }: ClientView, revision: Revision, mode: 'form' | 'url'): void {
  const declared = isAtLeast(revision, '2025-06-18') ? capabilities.elicitation : undefined
  if (declared === undefined) {
    throw new MissingCapability({ elicitation: mode === 'url' ? { url: {} } : {} })
  }
  const modes = isAtLeast(revision, '2025-11-25') ? declared : {}
  // `elicitation: {}` is how a client says "forms" that knows of no other mode.
  const form = modes.form !== undefined || modes.url === undefined
  if (mode === 'form' ? !form : modes.url === undefined) throw new MissingCapability({ elicitation: { [mode]: {} } })
}

/**
 * @returns the parameters without what the client did not declare and can do without
 * @throws MissingCapability
 */
export function requireSampling(
  { capabilities }: ClientView,
  revision: Revision,
  params: CreateMessageRequestParams,
): CreateMessageRequestParams {
  const { sampling } = capabilities
  if (sampling === undefined) throw new MissingCapability({ sampling: {} })
  const newest = isAtLeast(revision, '2025-11-25')
  if ((params.tools !== undefined || params.toolChoice !== undefined) && !(newest && sampling.tools !== undefined)) {
    throw new MissingCapability({ sampling: { tools: {} } })
  }
  const { includeContext, ...rest } = params
  const more = includeContext === 'thisServer' || includeContext === 'allServers'
  // From 2025-11-25 on this is for clients that declare it; without it they include nothing.
  return newest && more && sampling.context === undefined ? rest : params
}

/** @throws MissingCapability */
export function requireRoots({ capabilities }: ClientView): void {
  if (capabilities.roots === undefined) throw new MissingCapability({ roots: {} })
}
