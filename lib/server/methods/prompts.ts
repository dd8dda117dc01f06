/** `prompts/get`. */

import { downgradePromptResult } from '../../protocol/downgrade.ts'
import { invalidParams } from '../../protocol/errors.ts'
import type { GetPromptResult } from '../../protocol/types.ts'
import { Context } from '../context/context.ts'
import { requireMessages } from './faults.ts'
import { type MethodHandler, withEntry } from './method.ts'

/** @throws ProtocolError -32602 for an unknown prompt and for arguments that do not fit */
export const getPrompt: MethodHandler = ({ prompts }, params, channel) =>
  withEntry('prompt', prompts, params, async ({ definition, handler }, checked) => {
    const { name, description } = definition
    if (!checked.ok) throw invalidParams(`Invalid arguments of the prompt "${name}": ${checked.problems}`)
    const result = (await handler(checked.value, new Context(channel, params))) as GetPromptResult
    requireMessages(result, `The prompt "${name}"`)
    const described =
      result.description === undefined && description !== undefined ? { description, ...result } : result
    return downgradePromptResult(described, channel.revision)
  })
