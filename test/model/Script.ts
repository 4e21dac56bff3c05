/** Random operations of a few devices, and what their references stand for when their turn comes. */
import { Schema } from "effect"
import { type Command, conversationOf, type Keyed, type Place } from "./Commands.ts"
import type { Habits } from "./Device.ts"
import { groupsOf, lastSeq, memberOf, type Stored, type World } from "./World.ts"

/** The devices of four users, of whom the first three are in the first group. */
export const devices: ReadonlyArray<{ readonly user: 0 | 1 | 2 | 3; readonly name: string } & Habits> = [
  { user: 0, name: "phone", ack: "once", acksPushes: "each" },
  { user: 0, name: "desk", ack: "rigor", acksPushes: "upTo" },
  { user: 1, name: "phone", ack: "rigor", acksPushes: "each" },
  { user: 1, name: "desk", ack: "once", acksPushes: "never" },
  { user: 2, name: "phone", ack: "once", acksPushes: "upTo" },
  { user: 3, name: "phone", ack: "once", acksPushes: "each" }
]
export const userCount = 4

const device = Schema.Literals([0, 1, 2, 3, 4, 5])
const UserIndex = Schema.Literals([0, 1, 2, 3])
/** A group by its number, or the private conversation with a user. */
const Where = Schema.Union([
  Schema.Struct({ group: Schema.Literals([0, 0, 0, 1]) }),
  Schema.Struct({ group: Schema.Literals([0, 0, 0, 1]) }),
  Schema.Struct({ user: UserIndex })
])
type Where = typeof Where.Type
/** Counted from the end of a conversation. */
const Back = Schema.Literals([0, 0, 0, 1, 1, 2, 3, 5, 8])
/** Few enough to name different things sometimes. */
const id = Schema.Literals("abcdefghijklmnopqrstuvwxyz".split(""))
const Maybe = Schema.optionalKey(Schema.Boolean)
const Arrangement = Schema.Struct({
  isShow: Schema.optionalKey(Schema.Literals([false, false, true])),
  pinned: Maybe,
  muted: Maybe,
  back: Schema.optionalKey(Back)
})

/** What is written under an id, mostly the same. */
const word = Schema.Literals(["x", "x", "x", "y"])
const Say = Schema.Struct({ kind: Schema.Literal("say"), device, where: Where, id, word })
const Change = Schema.Struct({
  kind: Schema.Literal("change"),
  device,
  where: Where,
  id,
  word,
  type: Schema.Literals([8, 8, 9, 9, 10, 10]),
  reaction: Schema.Literals(["👍", "👍", "🎉", ""]),
  /** Counts what the user has written, what of it has been changed, what others have written, or all messages. */
  of: Schema.Literals(["own", "own", "changed", "changed", "others", "others", "others", "all"]),
  back: Back
})
/** The same once more, by any device of the same user; or something else under the same id. */
const Again = Schema.Struct({
  kind: Schema.Literal("again"),
  device,
  back: Schema.Literals([0, 1, 2, 4, 7]),
  isOther: Schema.Literals([false, false, false, true])
})
const Membership = Schema.Struct({
  kind: Schema.Literals(["bring", "bring", "remove", "leave", "join", "role", "role"]),
  /** The founder may most. */
  device: Schema.Literals([0, 0, 0, 1, 1, 2, 3, 4, 5]),
  group: Schema.Literals([0, 0, 0, 1]),
  user: UserIndex,
  /** Whether it is about somebody whom it can be about. */
  aimed: Schema.Literals([true, true, true, false]),
  role: Schema.Literals([1, 2, 2, 3])
})
const Found = Schema.Struct({
  kind: Schema.Literal("found"),
  device,
  id,
  users: Schema.Array(UserIndex).check(Schema.isMaxLength(3))
})
const Read = Schema.Struct({ kind: Schema.Literal("read"), device, where: Where, back: Back })
const Arrange = Schema.Struct({
  kind: Schema.Literal("arrange"),
  device,
  changes: Schema.Array(Schema.Struct({ where: Where, what: Arrangement })).check(Schema.isBetweenLength(1, 3))
})
const SetUp = Schema.Struct({ kind: Schema.Literal("setUp"), device, where: Where })

const Writing = Schema.Union([Say, Say, Change, Change, Again])
const Often = Schema.Union([Writing, Writing, Writing, Membership])
const Listing = Schema.Union([Read, Arrange, Arrange])
const Seldom = Schema.Union([Listing, Listing, Found, SetUp])
const Act = Schema.Union([Often, Often, Often, Listing, Seldom])
const Wanted = Schema.Struct({
  act: Act,
  /** The answer to its first sending is lost with the connection. */
  loseAnswer: Schema.Literals([false, false, false, false, false, false, false, true])
})
export type Wanted = typeof Wanted.Type

/** Commands of different devices that run at the same time. */
const Together = Schema.Struct({
  kind: Schema.Literal("together"),
  wanted: Schema.Array(Wanted).check(Schema.isBetweenLength(1, 6))
})
const Cut = Schema.Struct({ kind: Schema.Literal("cut"), device })
const Sync = Schema.Struct({ kind: Schema.Literal("sync"), device, limit: Schema.Literals([1, 2, 5]) })
const Reading = Schema.Struct({
  kind: Schema.Literals(["history", "log", "records"]),
  device,
  where: Where,
  direction: Schema.Literals(["before", "after", "newest"]),
  back: Back,
  limit: Schema.Literals([1, 2, 5])
})
export type Reading = typeof Reading.Type
const Operation = Schema.Union([Together, Together, Together, Sync, Reading, Schema.Union([Sync, Reading, Cut])])
export const Script = Schema.Array(Operation).check(Schema.isBetweenLength(40, 80))
export type Script = typeof Script.Type

/** What references stand for. */
export interface Cast {
  readonly world: World
  /** The users' ids. */
  readonly users: ReadonlyArray<string>
  /** What was done under ids, in order. */
  readonly earlier: ReadonlyArray<Keyed>
}

/** No group has this id. */
const nowhere = "1"

export const placeOf = ({ world, users }: Cast, user: string, where: Where): Place => {
  if ("user" in where) {
    const receiveId = users[where.user]!
    return { conversationID: conversationOf(user, receiveId), receiveId, chatType: 1 }
  }
  const groupId = groupsOf(world)[where.group]?.id ?? nowhere
  return { conversationID: groupId, receiveId: groupId, chatType: 0 }
}

/** The message that is to be changed: in that place, or else in another one where the user has been. */
const aimOf = (
  cast: Cast,
  user: string,
  { where, of, back }: Pick<typeof Change.Type, "where" | "of" | "back">
): Aim => {
  const { world } = cast
  const place = placeOf(cast, user, where)
  const isCounted = ({ sendId, messageType, recalled, edited, reactions }: Stored) =>
    of === "all" ||
    (messageType === 0 &&
      (sendId === user) === (of !== "others") &&
      (of !== "changed" || (!recalled && (edited || reactions.size > 0))))
  const others = [...world.conversations.values()].filter(({ members }) => members.has(user))
  const conversation = world.conversations.get(place.conversationID)
  for (const { id, chatType, messages } of conversation === undefined ? others : [conversation, ...others]) {
    const counted = messages.filter(isCounted)
    const { seq } = counted.at(-1 - back) ?? counted.at(-1) ?? {}
    if (seq !== undefined) return { to: { conversationID: id, receiveId: id, chatType }, seq }
  }
  return of === "changed" ? aimOf(cast, user, { where, of: "own", back }) : { to: place, seq: 1 }
}
interface Aim {
  readonly to: Place
  readonly seq: number
}

/** The command of a user that the script wants; none when there is nothing yet to do again. */
export const commandOf = (cast: Cast, { act }: Wanted): Command | undefined => {
  const { world, users, earlier } = cast
  const index = devices[act.device]!.user
  const user = users[index]!
  const place = (where: Where) => placeOf(cast, user, where)
  const seqAt = (id: string, back: number) => Math.max(0, lastSeq(world, id) - back)
  // No two messages say the same, so that it can be looked for.
  const content = ({ kind, id, word }: typeof Say.Type | typeof Change.Type) => `<${kind} ${index}.${id}.${word}>`
  switch (act.kind) {
    case "say":
      return { kind: "say", user, id: act.id, to: place(act.where), content: content(act) }
    case "change": {
      const { id, type, reaction } = act
      const { to, seq } = aimOf(cast, user, act)
      const said = type === 8 ? "" : type === 9 ? content(act) : reaction
      return { kind: "change", user, id, to, seq, type, content: said }
    }
    case "again": {
      const own = earlier.filter((command) => command.user === user)
      const command = own.at(-1 - act.back)
      // A recall says nothing.
      if (!act.isOther || command === undefined || !("content" in command) || command.content === "") return command
      return { ...command, content: `<other ${index}.${command.id}>` }
    }
    case "found":
      return { kind: "found", user, id: act.id, name: act.id, userIds: act.users.map((other) => users[other]!) }
    case "read": {
      const { conversationID } = place(act.where)
      // One past the last is too far.
      return { kind: "read", user, conversationID, seq: seqAt(conversationID, act.back - 1) }
    }
    case "arrange": {
      const changes = act.changes.map(({ where, what: { back, ...marks } }) => {
        const { conversationID } = place(where)
        return [conversationID, { ...marks, ...(back === undefined ? {} : { read: seqAt(conversationID, back) }) }]
      })
      return { kind: "arrange", user, changes: Object.fromEntries(changes) }
    }
    case "setUp":
      return { kind: "setUp", user, to: place(act.where) }
    default: {
      const { conversationID: groupId } = place({ group: act.group })
      const isIn = (id: string) => memberOf(world, id, groupId) !== undefined
      const isWanted = (id: string) => isIn(id) !== (act.kind === "bring" || act.kind === "join")
      const fitting = act.aimed ? users.filter((id) => id !== user && isWanted(id)) : []
      const other = fitting[act.user % Math.max(1, fitting.length)] ?? users[act.user]!
      if (act.kind === "bring") return { kind: "bring", user, groupId, userIds: [other] }
      // Who is in already brings others in.
      if (act.kind === "join" && act.aimed && isIn(user)) return { kind: "bring", user, groupId, userIds: [other] }
      if (act.kind === "join") return { kind: "bring", user, groupId, userIds: [user] }
      if (act.kind === "role") return { kind: "role", user, groupId, userId: other, role: act.role }
      return { kind: "remove", user, groupId, userId: act.kind === "leave" ? user : other }
    }
  }
}
