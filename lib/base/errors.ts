/** Values that an author's code throws: any value, and not always one that can be read. */

/**
 * The error for a thrown value: the value itself where that is an error whose name and message are texts, else an error
 * that describes it. After this no check of the error can throw, as `instanceof` does for a revoked Proxy.
 */
export function asError(thrown: unknown): Error {
  try {
    if (!(thrown instanceof Error)) {
      const text = String(thrown)
      const isText = thrown !== undefined && thrown !== null && text !== ''
      return new Error(isText ? text : `${text || 'An empty text'} was thrown.`)
    }
    const { name, message } = thrown
    return typeof name === 'string' && typeof message === 'string' ? thrown : new Error(String(message ?? name))
  } catch {
    return new Error('The error is a value that cannot be read.')
  }
}

/** The message of what was thrown, or its name where there is no message. */
export function textOf(thrown: unknown): string {
  const { message, name } = asError(thrown)
  return message || name
}

/** Name, message and stack of what was thrown, for a log. */
export function stackOf(thrown: unknown): string {
  const error = asError(thrown)
  try {
    return typeof error.stack === 'string' ? error.stack : `${error.name}: ${error.message}`
  } catch {
    return `${error.name}: ${error.message}`
  }
}

/** What an operator should know, and what is no failure: the log has it as a warning. */
export function warning(text: string): Error {
  const error = new Error(text)
  error.name = 'Warning'
  return error
}
