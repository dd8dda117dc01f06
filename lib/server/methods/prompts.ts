/** `prompts/get`. */

import { downgradePromptResult } from '../../protocol/downgrade.ts'
import { invalidParams } from '../../protocol/errors.ts'
import type { GetPromptResult } from '../../protocol/types.ts'
import { Context } from '../context/context.ts'
import { requireMessages } from './faults.ts'
import { type MethodHandler, namedEntry, withArguments } from './method.ts'

/** @throws ProtocolError -32602 for an unknown prompt and for arguments that do not fit */
export const getPrompt: MethodHandler = (registry, params, channel, ctx) => {
  const entry = namedEntry('prompt', registry.prompts, registry, params, channel)
  return withArguments(entry, params, async ({ definition, handler }, checked) => {
    const { name, description } = definition
    if (!checked.ok) throw invalidParams(`Invalid arguments of the prompt "${name}": ${checked.problems}`)
    const result = (await handler(checked.value, ctx ?? new Context(channel, params))) as GetPromptResult
    requireMessages(result, `The prompt "${name}"`)
    const described =
      result.description === undefined && description !== undefined ? { description, ...result } : result
    return ctx ? described : downgradePromptResult(described, channel.revision)
  })
}
