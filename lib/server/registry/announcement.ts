/** Changes that a server makes known by itself, outside any call. */

export type ListKind = 'tools' | 'prompts' | 'resources'

export type Announcement =
  | {
      kind: ListKind
      /** The list has changed in this process only: a handle was used after the start. */
      local?: boolean
    }
  | { kind: 'updated'; uri: string }
