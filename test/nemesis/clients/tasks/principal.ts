/** Clients with tasks are callers of their own: a header names them, which each instance takes as a middleware's word. */
import { principalOf } from '../../../../lib/auth/claims.ts'

export const PRINCIPAL = 'x-nemesis-principal'

/** The auth of a request from a middleware: see FetchOptions. */
export function middlewareAuth(name: string) {
  return { token: name, clientId: '', scopes: [], extra: { sub: name } }
}

/** The principal of that caller. */
export function principalNamed(name: string): string {
  return principalOf({ issuer: '', subject: name, scopes: [], claims: {}, token: name }, undefined)
}
