/** `prompts/get`. */

import { downgradePromptResult } from '../../protocol/downgrade.ts'
import { invalidParams } from '../../protocol/errors.ts'
import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import type { GetPromptResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { RegisteredPrompt } from '../registry/entries.ts'
import type { Checked } from '../schema/check.ts'
import { requireMessages } from './faults.ts'
import { checkArguments, type MethodHandler, namedEntry } from './method.ts'

/** @throws ProtocolError -32602 for an unknown prompt and for arguments that do not fit */
export const getPrompt: MethodHandler = (registry, params, channel, ctx) => {
  const entry = namedEntry('prompt', registry.prompts, registry, params, channel)
  return answer(entry, checkArguments(entry, params), params, channel, ctx)
}

async function answer(
  { definition, handler }: RegisteredPrompt,
  checking: Checked | Promise<Checked>,
  params: JsonObject | undefined,
  channel: ClientChannel,
  ctx: Context | undefined,
): Promise<Result> {
  const { name, description } = definition
  const checked = await checking
  if (!checked.ok) throw invalidParams(`Invalid arguments of the prompt "${name}": ${checked.problems}`)
  const result = (await handler(checked.value, ctx ?? new Context(channel, params))) as GetPromptResult
  requireMessages(result, `The prompt "${name}"`)
  const described = result.description === undefined && description !== undefined ? { description, ...result } : result
  return ctx ? described : downgradePromptResult(described, channel.revision)
}
