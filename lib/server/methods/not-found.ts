import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { features, type Revision } from '../../protocol/revisions.ts'

/** The error for a URI without a resource. The handler of a template throws it for a variable that names nothing. */
export function resourceNotFound(uri: string, { revision }: { readonly revision: Revision }): ProtocolError {
  const code = features(revision).resourceNotFoundCode ? ErrorCode.ResourceNotFound : ErrorCode.InvalidParams
  return new ProtocolError(code, `Resource not found: ${uri}`, { uri })
}
