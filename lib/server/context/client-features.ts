/** Asks that a client may get: those whose capability it declared, as far as its revision has them. */
import { features, type Revision } from '../../protocol/revisions.ts'
import type { CreateMessageRequestParams } from '../../protocol/types.ts'
import type { ClientView } from './client-channel.ts'
import { MissingCapability } from './errors.ts'

/** @throws MissingCapability */
export function requireElicitation({ capabilities }: ClientView, revision: Revision, mode: 'form' | 'url'): void {
  const { elicitation, elicitationModes } = features(revision)
  const declared = elicitation ? capabilities.elicitation : undefined
  // A session that an older build opened may have null here.
  if (!declared) throw new MissingCapability({ elicitation: mode === 'url' ? { url: {} } : {} })
  const modes = elicitationModes ? declared : {}
  // A client of the time before modes declares `elicitation: {}` and means forms.
  const form = modes.form !== undefined || modes.url === undefined
  if (mode === 'form' ? !form : modes.url === undefined) throw new MissingCapability({ elicitation: { [mode]: {} } })
}

/**
 * @returns the parameters, without `includeContext` where the client declared no `sampling.context`
 * @throws MissingCapability
 */
export function requireSampling(
  { capabilities }: ClientView,
  revision: Revision,
  params: CreateMessageRequestParams,
): CreateMessageRequestParams {
  const { sampling } = capabilities
  if (!sampling) throw new MissingCapability({ sampling: {} })
  const { richSampling } = features(revision)
  const needsTools = params.tools !== undefined || params.toolChoice !== undefined
  const hasTools = richSampling && sampling.tools !== undefined
  if (needsTools && !hasTools) throw new MissingCapability({ sampling: { tools: {} } })
  const { includeContext, ...rest } = params
  const more = includeContext === 'thisServer' || includeContext === 'allServers'
  // From 2025-11-25 on only clients that declare `sampling.context` can include the context of servers.
  return richSampling && more && sampling.context === undefined ? rest : params
}
