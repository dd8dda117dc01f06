/** `prompts/get`. */

import { downgradePromptResult } from '../../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import type { GetPromptResult } from '../../protocol/types.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import type { RegisteredPrompt } from '../registry/entries.ts'
import type { Registry } from '../registry/registry.ts'
import type { Checked } from '../schema/check.ts'
import { asProtocolError } from './failures.ts'

/** @throws ProtocolError -32602 for an unknown prompt and for arguments that do not fit */
export function getPrompt(
  registry: Registry,
  params: JsonObject | undefined,
  channel: ClientChannel,
): GetPromptResult | Promise<GetPromptResult> {
  const name = params?.name
  const prompt = typeof name === 'string' ? registry.prompts.get(name) : undefined
  if (prompt === undefined) throw new ProtocolError(ErrorCode.InvalidParams, `Unknown prompt ${JSON.stringify(name)}.`)
  const args = params?.arguments ?? {}
  if (!isObject(args)) throw new ProtocolError(ErrorCode.InvalidParams, '"arguments" must be an object.')

  const checked = prompt.input?.check(args) ?? { ok: true, value: args }
  return checked instanceof Promise
    ? checked.then((outcome) => run(prompt, outcome, params, channel))
    : run(prompt, checked, params, channel)
}

async function run(prompt: RegisteredPrompt, checked: Checked, params: JsonObject | undefined, channel: ClientChannel) {
  const { name, description } = prompt.definition
  if (!checked.ok) {
    throw new ProtocolError(ErrorCode.InvalidParams, `Invalid arguments of the prompt "${name}": ${checked.problems}`)
  }
  try {
    const result = (await prompt.handler(checked.value, new Context(channel, params))) as GetPromptResult
    if (!Array.isArray(result?.messages)) throw new TypeError(`The prompt "${name}" returned no messages.`)
    const described =
      result.description === undefined && description !== undefined ? { description, ...result } : result
    return downgradePromptResult(described, channel.revision)
  } catch (error) {
    throw asProtocolError(error, channel)
  }
}
