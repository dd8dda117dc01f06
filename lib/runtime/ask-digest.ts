/** Digests of what a client is asked: an answer counts for one method and params, under whichever key. */
import { digest } from '../base/ids.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'

