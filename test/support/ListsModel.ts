/** Lists of private conversations as the protocol tells of them (section 2.2), in plain collections. */
import { conversationOf } from "./Drafts.ts"
import { userIds } from "./StoredUsers.ts"

/** A conversation as one of the two has it in their list. */
interface Entry {
  readSeq: number
  hiddenSeq: number
  isPinned: boolean
  isMuted: boolean
}

/** Lists in plain collections. */
export class ListsModel {
  readonly conversations = new Map<string, { seq: number; shown: number; changed: number }>()
  readonly entries = new Map<string, Entry>()
  private changes = 0

  entryOf(user: string, other: string): Entry | undefined {
    return this.entries.get(`${conversationOf(user, other)} ${user}`)
  }
  conversation(user: string, other: string) {
    const id = conversationOf(user, other)
    const known = this.conversations.get(id) ?? { seq: 0, shown: 0, changed: ++this.changes }
    this.conversations.set(id, known)
    return known
  }
  enter(user: string, other: string): Entry {
    const entry = this.entryOf(user, other) ?? { readSeq: 0, hiddenSeq: -1, isPinned: false, isMuted: false }
    this.entries.set(`${conversationOf(user, other)} ${user}`, entry)
    return entry
  }
  send(user: string, other: string, isShown: boolean): void {
    const conversation = this.conversation(user, other)
    conversation.seq += 1
    this.enter(other, user)
    const own = this.enter(user, other)
    if (!isShown) return
    conversation.changed = ++this.changes
    conversation.shown = conversation.seq
    own.readSeq = conversation.seq
  }

  list(user: string) {
    const own = userIds.flatMap((other) => {
      const entry = this.entryOf(user, other)
      return entry === undefined ? [] : [{ entry, id: conversationOf(user, other), ...this.conversation(user, other) }]
    })
    return own
      .toSorted((a, b) => b.changed - a.changed)
      .map(({ entry, id, seq, shown }) => [
        id,
        `${entry.readSeq} of ${seq}, last ${shown}`,
        ...(entry.hiddenSeq < shown ? [] : ["hidden"]),
        ...(entry.isPinned ? ["pinned"] : []),
        ...(entry.isMuted ? ["muted"] : [])
      ])
  }
}
