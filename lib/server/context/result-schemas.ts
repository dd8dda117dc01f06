/** Schemas of clients' results under the names of the official SDK, for `ctx.sendRequest`. */
import type { EmptyResult } from '../../protocol/official-types.ts'
import type { CreateMessageResult, ElicitResult, ListRootsResult } from '../../protocol/types.ts'
import { readAnswer } from './answers.ts'
import type { AskMethod } from './client-channel.ts'

type Parsed<T> = { success: true; data: T; error?: undefined } | { success: false; error: TypeError; data?: undefined }

class AnswerSchema<T> {
  readonly #method: AskMethod

  constructor(method: AskMethod) {
    this.#method = method
  }

  safeParse(value: unknown): Parsed<T> {
    const read = readAnswer(this.#method, value)
    if (typeof read === 'object') return { success: true, data: read as T }
    return { success: false, error: new TypeError(`The answer to ${this.#method} has the wrong shape: ${read}`) }
  }

  /** @throws TypeError */
  parse(value: unknown): T {
    const { data, error } = this.safeParse(value)
    if (error) throw error
    return data as T
  }
}

export const ElicitResultSchema = new AnswerSchema<ElicitResult>('elicitation/create')
export const CreateMessageResultSchema = new AnswerSchema<CreateMessageResult>('sampling/createMessage')
export const ListRootsResultSchema = new AnswerSchema<ListRootsResult>('roots/list')
export const EmptyResultSchema = new AnswerSchema<EmptyResult>('ping')
