/**
 * The audiences of the groups that are written to on this node: read from the store once, and kept up to date by the
 * system messages themselves, which come in the order of their seqs.
 */
import { Effect, FiberSet, Option, Schedule } from "effect"
import { type Crossings, crossingsOf, groupEventOf } from "../../domain/groups/Group.ts"
import { type GroupAudience, Groups } from "../../domain/groups/Groups.ts"
import { type Message, MessageType } from "../../domain/messages/Message.ts"
import type { GroupId, UserId } from "../../domain/shared/Ids.ts"

/** Members that are kept, and 1 for each group; the groups that were not written to for longest go first. */
const membersMax = 200_000
/** Uses that wait for one group to be read. */
const waitingMax = 1_000
/** While the store does not answer. */
const rereading = Schedule.exponential("50 millis")
const readingMillisMax = 5_000

/** Gets the members, each with the seq after which they get messages. */
export type UseMembers = (members: ReadonlyMap<UserId, number>) => void

export interface GroupAudiences {
  /**
   * Has a message used with those who get it: at once when they are known, otherwise later, those of one group in
   * their order.
   */
  readonly ofMessage: (groupId: GroupId, message: Message, use: UseMembers) => void
  /** The same for what is no message. */
  readonly ofGroup: (groupId: GroupId, use: UseMembers) => void
  /** Messages may have been missed: what is known may be wrong. */
  readonly forget: () => void
}

/** What the members of a group are after its message `seq`. */
interface Known {
  seq: number
  readonly members: Map<UserId, number>
}

/** What is to be done with the members, and after which message they must be known; 0 for any. */
interface Use {
  readonly seq: number
  readonly use: (known: Known) => void
}

/** `lost` is called when messages could not be brought to anybody, because the store did not answer. */
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

    /** Reads the members, and then does what has been waiting for them. */
    const read = (groupId: GroupId): Effect.Effect<void> =>
      Effect.suspend(() => {
        // What waits already is stored, so that it cannot be news to those who are read now.
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

    /** Forgets what has been waiting, and what was known before it. */
    const giveUp = (groupId: GroupId): void => {
      const uses = waiting.get(groupId) ?? []
      waiting.delete(groupId)
      drop(groupId)
      if (uses.some(isOfMessage)) lost()
    }

    /** Does what has been waiting, up to what comes after a message that was missed meanwhile. */
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
      // The last one used is the last one to go.
      known.delete(groupId)
      known.set(groupId, audience)
      return use.use(audience)
    }

    const audiences: GroupAudiences = {
      ofMessage: (groupId, message, use) =>
        withKnown(
          groupId,
          // Anything else comes after a message that was missed; or it came before, and may have come too late.
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
              // Who leaves by it gets it, too, whether it is known already that they have left or not.
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

/** Empty groups take place, too. */
const sizeOf = ({ members }: Known): number => members.size + 1

/** Only messages can be found again by a sync. */
const isOfMessage = ({ seq }: Use): boolean => seq > 0

const knownOf = ({ seq, members }: GroupAudience): Known => ({
  seq,
  members: new Map(members.map(({ userId, joinedSeq }) => [userId, joinedSeq]))
})

/** The users who join and leave by a message. */
const crossings = ({ messageType, content, senderId }: Message): Crossings =>
  messageType === MessageType.system ? crossingsOf(groupEventOf(content), senderId) : none

const none: Crossings = { joining: [], leaving: [] }
