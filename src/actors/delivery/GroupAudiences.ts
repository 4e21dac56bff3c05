/**
 * The audiences of the groups that are written to on this node: read from the store once, and kept up to date by the
 * system messages themselves, which come in the order of their seqs.
 */
import { Effect, FiberSet, Option, Schedule } from "effect"
import { type Crossings, crossingsOf, groupEventOf } from "../../domain/groups/Group.ts"
import { type GroupAudience, Groups } from "../../domain/groups/Groups.ts"
import { type Message, MessageType } from "../../domain/messages/Message.ts"
import type { GroupId, UserId } from "../../domain/shared/Ids.ts"

/** Members in memory, plus 1 for each group; the least recently used groups are dropped first. */
const membersMax = 200_000
/** Uses that wait until the members of one group are read. */
const waitingMax = 1_000
/** While the store does not answer. */
const rereading = Schedule.exponential("50 millis")
const readingMillisMax = 5_000

/** Gets the members, each with the seq after which they get messages. */
export type UseMembers = (members: ReadonlyMap<UserId, number>) => void

export interface GroupAudiences {
  /**
   * Calls `use` with the members who get the message: at once when they are in memory, otherwise after they are read.
   * Messages of one group keep their order.
   */
  readonly ofMessage: (groupId: GroupId, message: Message, use: UseMembers) => void
  /** The same for an event that is not a message. */
  readonly ofGroup: (groupId: GroupId, use: UseMembers) => void
  /** Drops all members in memory: messages may have been missed. */
  readonly forget: () => void
}

/** The members of a group after its message `seq`. */
interface Known {
  seq: number
  readonly members: Map<UserId, number>
}

/** A call that waits for the members as of the message `seq`, or for any members: 0. */
interface Use {
  readonly seq: number
  readonly use: (known: Known) => void
}

/** `lost` is called when messages were not delivered because the members could not be read. */
export const makeGroupAudiences = (lost: () => void) =>
  Effect.gen(function* () {
    const groups = yield* Groups
    const run = yield* FiberSet.makeRuntime<never, void, never>()
    /** In the order of their last use. */
    const known = new Map<GroupId, Known>()
    const waiting = new Map<GroupId, Array<Use>>()
    let size = 0
    /** How often messages may have been missed. */
    let forgotten = 0

    const drop = (groupId: GroupId): void => {
      const audience = known.get(groupId)
      if (audience === undefined) return
      size -= sizeOf(audience)
      known.delete(groupId)
    }

    const keep = (groupId: GroupId, audience: Known): void => {
      drop(groupId)
      known.set(groupId, audience)
      size += sizeOf(audience)
      for (const oldest of known.keys()) {
        if (size <= membersMax || oldest === groupId) break
        drop(oldest)
      }
    }

    /** Reads the members, then runs the waiting uses. */
    const read = (groupId: GroupId): Effect.Effect<void> =>
      Effect.suspend(() => {
        // Messages that wait already are stored: the state that is read now includes them.
        const early = waiting.get(groupId)?.length ?? 0
        const before = forgotten
        return groups.audience(groupId).pipe(
          Effect.retry(rereading),
          Effect.timeoutOption(readingMillisMax),
          Effect.orElseSucceed(Option.none),
          Effect.catchDefect((defect) =>
            Effect.as(Effect.logError("the members of a group could not be read", defect), Option.none())
          ),
          Effect.flatMap((found) => {
            if (Option.isNone(found)) return Effect.sync(() => giveUp(groupId))
            return before === forgotten ? useAll(groupId, knownOf(found.value), early) : read(groupId)
          })
        )
      })

    /** Drops the waiting uses, and the members in memory. */
    const giveUp = (groupId: GroupId): void => {
      const uses = waiting.get(groupId) ?? []
      waiting.delete(groupId)
      drop(groupId)
      if (uses.some(isOfMessage)) lost()
    }

    /** Runs the waiting uses in order; reads again where a message between two of them was missed. */
    const useAll = (groupId: GroupId, audience: Known, early: number): Effect.Effect<void> => {
      const uses = waiting.get(groupId) ?? []
      waiting.delete(groupId)
      keep(groupId, audience)
      for (const [index, { seq, use }] of uses.entries()) {
        if (index >= early && seq > audience.seq + 1) {
          waiting.set(groupId, uses.slice(index))
          return read(groupId)
        }
        use(audience)
      }
      return Effect.void
    }

    const later = (groupId: GroupId, use: Use): void => {
      const uses = waiting.get(groupId)
      if (uses === undefined) {
        waiting.set(groupId, [use])
        run(read(groupId))
      } else if (uses.length < waitingMax) uses.push(use)
      else if (isOfMessage(use)) lost()
    }

    const withKnown = (groupId: GroupId, isRight: (known: Known) => boolean, use: Use): void => {
      const audience = waiting.has(groupId) ? undefined : known.get(groupId)
      if (audience === undefined || !isRight(audience)) return later(groupId, use)
      // Moved to the end: the most recently used group is dropped last.
      known.delete(groupId)
      known.set(groupId, audience)
      return use.use(audience)
    }

    const audiences: GroupAudiences = {
      ofMessage: (groupId, message, use) =>
        withKnown(
          groupId,
          // Any other message comes after a missed one, or is an old system message that may have come too late.
          ({ seq }) => message.seq === seq + 1 || (message.seq <= seq && message.messageType !== MessageType.system),
          {
            seq: message.seq,
            use: (audience) => {
              const { joining, leaving } = crossings(message)
              const { members } = audience
              const before = members.size
              if (message.seq > audience.seq) {
                audience.seq = message.seq
                for (const userId of joining) if (!members.has(userId)) members.set(userId, message.seq - 1)
              }
              // Users who leave by this message get it, too, even where the members in memory no longer have them.
              const isTold = leaving.every((userId) => members.has(userId))
              use(
                isTold ? members : new Map([...members, ...leaving.map((userId) => [userId, message.seq - 1] as const)])
              )
              if (message.seq === audience.seq) for (const userId of leaving) members.delete(userId)
              size += members.size - before
            }
          }
        ),
      ofGroup: (groupId, use) => withKnown(groupId, () => true, { seq: 0, use: ({ members }) => use(members) }),
      forget: () => {
        known.clear()
        size = 0
        forgotten += 1
      }
    }
    return audiences
  })

/** An empty group counts as 1. */
const sizeOf = ({ members }: Known): number => members.size + 1

/** Only missed messages are worth a sync: other events are not found by it. */
const isOfMessage = ({ seq }: Use): boolean => seq > 0

const knownOf = ({ seq, members }: GroupAudience): Known => ({
  seq,
  members: new Map(members.map(({ userId, joinedSeq }) => [userId, joinedSeq]))
})

/** The users who join and leave by a message. */
const crossings = ({ messageType, content, senderId }: Message): Crossings =>
  messageType === MessageType.system ? crossingsOf(groupEventOf(content), senderId) : none

const none: Crossings = { joining: [], leaving: [] }
