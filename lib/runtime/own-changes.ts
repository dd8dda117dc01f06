/**
 * Announces what a server makes known by itself: handles that were used after the start, and `send…ListChanged`. A bundle has it in a
 * file of its own, which is read with the first change.
 */

import { warning } from '../base/errors.ts'
import type { Announcement } from '../server/registry/announcement.ts'
import type { Notifier } from './notifier.ts'

interface Way {
  notify: Notifier
  /** There may be other instances, whose lists stay as they are. */
  shared: boolean
  /** Work in the background, whose failure is reported. */
  track(work: Promise<unknown>): unknown
  report(error: Error): void
}

/** What one turn of the event loop announces, once each. */
type Due = Map<string, () => Promise<void>>

/** Makes a function that announces a change to the clients of every instance. */
export function announceOwnChanges({ notify, shared, track, report }: Way): (change: Announcement) => void {
  let warned = !shared
  let due: Due | undefined
  const publish = async () => {
    // What the author changes in one turn is one change for clients.
    await undefined
    const now = due ?? new Map()
    due = undefined
    await Promise.all([...now.values()].map((announce) => announce()))
  }
  return (change) => {
    if ('local' in change && change.local && !warned) {
      warned = true
      report(onlyHere(change.kind))
    }
    if (due === undefined) {
      due = new Map()
      track(publish())
    }
    due.set(change.kind === 'updated' ? `updated ${change.uri}` : change.kind, announcing(change, notify))
  }
}

function announcing(change: Announcement, notify: Notifier): () => Promise<void> {
  switch (change.kind) {
    case 'updated':
      return () => notify.resourceUpdated(change.uri)
    case 'tools':
      return () => notify.toolsChanged()
    case 'prompts':
      return () => notify.promptsChanged()
    case 'resources':
      return () => notify.resourcesChanged()
  }
}

function onlyHere(kind: string): Error {
  return warning(
    `The ${kind} were changed after the start: that reaches this process only, and the other instances list and serve what ` +
      'they had. For what differs by caller use "visible", and for what changes keep a state of your own in the store.',
  )
}
