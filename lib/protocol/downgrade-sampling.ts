/** The parameters of `sampling/createMessage` as an older revision allows them. */
import { by, downgradeContent } from './downgrade.ts'
import { features, type Revision } from './revisions.ts'
import type { CreateMessageRequestParams, SamplingMessage, SamplingMessageContentBlock } from './types.ts'

const knownMessage = by<SamplingMessage>({ _meta: '2025-11-25' })

/**
 * The parameters of `sampling/createMessage`. Several blocks in one message become several messages before 2025-11-25.
 * `tools` stay: a call with them was refused before, because they need a capability that older clients do not have.
 */
export function downgradeSampling(params: CreateMessageRequestParams, revision: Revision): CreateMessageRequestParams {
  if (features(revision).richSampling) return params
  const { _meta: _, ...rest } = params
  return { ...rest, messages: params.messages.flatMap((message) => splitMessage(message, revision)) }
}

function splitMessage(message: SamplingMessage, revision: Revision): SamplingMessage[] {
  const blocks = Array.isArray(message.content) ? message.content : [message.content]
  const older = knownMessage(message, revision)
  return blocks.map((block) => ({ ...older, content: downgradeSamplingContent(block, revision) }))
}

function downgradeSamplingContent(block: SamplingMessageContentBlock, revision: Revision): SamplingMessageContentBlock {
  return block.type === 'tool_use' || block.type === 'tool_result'
    ? { type: 'text', text: JSON.stringify(block) }
    : (downgradeContent(block, revision) as SamplingMessageContentBlock)
}
