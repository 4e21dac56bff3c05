/** The model's step: what a command makes of the world, and what its answer must be. */
import type { Command, Outcome, Place } from "./Commands.ts"
import { type GroupEvent, giveRole, rolesBy } from "./Memberships.ts"
import {
  type Conversation,
  changedIn,
  isRead,
  lastReadable,
  lastSeq,
  memberOf,
  newMember,
  type Stored,
  type World
} from "./World.ts"

export interface Step {
  readonly world: World
  readonly outcome: Outcome
}

/** A message on its way into a conversation. */
interface Wish {
  readonly user: string
  /** Absent for what cannot be done twice. */
  readonly id?: string
  readonly to: Place
  readonly messageType: number
  readonly targetSeq?: number
  readonly content: string
}

/** `observed` is what the server has said: the ids of a new group and of an invitation are its choice. */
export const step = (world: World, command: Command, observed: Outcome): Step => {
  switch (command.kind) {
    case "say":
      return posted(world, { ...command, messageType: 0 })
    case "change":
      return posted(world, { ...command, messageType: command.type, targetSeq: command.seq })
    case "found": {
      const { name, userIds } = command
      const groupId = ("conversationID" in observed ? observed.conversationID : undefined) ?? "0"
      const { world: after, outcome } = happened(world, command, groupId, {
        event: "created",
        name,
        icon: "",
        isVerify: false,
        userIds
      })
      return { world: after, outcome: outcome.code === undefined ? without(outcome, "seq") : outcome }
    }
    case "bring":
      return brought(world, command, "invitation" in observed ? observed.invitation : undefined)
    case "remove": {
      const { user, userId } = command
      const event: GroupEvent = userId === user ? { event: "left" } : { event: "removed", userIds: [userId] }
      return quiet(happened(world, command, command.groupId, event))
    }
    case "role": {
      const { userId, role } = command
      return quiet(happened(world, command, command.groupId, { event: "role", userId, role }))
    }
    case "read": {
      const { user, conversationID, seq } = command
      const after = arranged(world, user, { [conversationID]: { read: seq } })
      if (typeof after === "number") return refused(world, after)
      return { world: after, outcome: { conversationID, seq: memberOf(after, user, conversationID)!.readSeq } }
    }
    case "arrange": {
      const after = arranged(world, command.user, command.changes)
      return typeof after === "number" ? refused(world, after) : { world: after, outcome: {} }
    }
    case "setUp":
      return setUp(world, command.user, command.to)
  }
}

/** The answer to who joins by an invitation tells of it. */
const brought = (world: World, command: Extract<Command, { kind: "bring" }>, invitation: string | undefined): Step => {
  const by = invitation === undefined ? {} : { invitation }
  const { world: after, outcome } = quiet(
    happened(world, command, command.groupId, { event: "joined", userIds: command.userIds, ...by })
  )
  return { world: after, outcome: outcome.code === undefined ? { ...outcome, ...by } : outcome }
}

const refused = (world: World, code: number): Step => ({ world, outcome: { code } })

/** The answers over HTTP do not tell of the message. */
const quiet = ({ world, outcome }: Step): Step => ({ world, outcome: outcome.code === undefined ? {} : outcome })
const without = ({ seq: _, ...rest }: Exclude<Outcome, { code: number }>, _key: "seq"): Outcome => rest

const happened = (
  world: World,
  { user, ...command }: { readonly user: string; readonly id?: string },
  groupId: string,
  event: GroupEvent
): Step =>
  posted(
    world,
    {
      user,
      ...(command.id === undefined ? {} : { id: command.id }),
      to: { conversationID: groupId, receiveId: groupId, chatType: 0 },
      messageType: 7,
      content: JSON.stringify(event)
    },
    event
  )

const posted = (world: World, wish: Wish, event?: GroupEvent): Step => {
  const { user, id, to, messageType, targetSeq = 0, content } = wish
  const { conversationID, chatType } = to
  const known = id === undefined ? undefined : world.known.get(`${user}/${id}`)
  if (known !== undefined) {
    // Founding a group again makes up another id for it.
    const isSame =
      (known.conversationID === conversationID || event?.event === "created") &&
      known.messageType === messageType &&
      known.targetSeq === targetSeq &&
      known.content === content
    return isSame
      ? { world, outcome: { conversationID: known.conversationID, seq: known.seq } }
      : refused(world, 100007)
  }
  const before = world.conversations.get(conversationID)
  const roles = event === undefined ? [] : rolesBy(event, user, before)
  if (typeof roles === "number") return refused(world, roles)
  if (chatType === 0 && event === undefined && memberOf(world, user, conversationID) === undefined) {
    return refused(world, 300001)
  }
  const problem = messageType < 8 ? undefined : changeProblem(world, wish)
  if (problem !== undefined) return refused(world, problem)
  const seq = lastSeq(world, conversationID) + 1
  const moment = world.moment + 1
  const forgotten = new Set(world.forgotten)
  const after = changedIn(world, { id: conversationID, chatType }, (conversation) => {
    const { messages, members } = conversation
    const message = { seq, sendId: user, messageType, targetSeq, content, said: [content] }
    messages.push({ ...message, recalled: false, edited: false, reactions: new Map() })
    for (const [member, role] of roles) giveRole(conversation, member, role, seq, moment)
    if (chatType === 1) {
      for (const member of conversationID.split("_")) {
        if (!members.has(member)) members.set(member, newMember(3, 0))
      }
    }
    // Who writes has read what came before.
    if (isRead(message)) members.get(user)!.readSeq = seq
    if (messageType >= 8) for (const word of changeTarget(conversation, wish)) forgotten.add(word)
  })
  const key = { conversationID, seq, messageType, targetSeq, content }
  const allKnown = id === undefined ? world.known : new Map(world.known).set(`${user}/${id}`, key)
  return { world: { ...after, moment, known: allKnown, forgotten }, outcome: { conversationID, seq } }
}

const isManager = (role: number): boolean => role === 1 || role === 2

/** The code with which a recall, an edit or a reaction is refused, if it is. */
const changeProblem = (world: World, { user, to, messageType, targetSeq = 0 }: Wish): number | undefined => {
  const conversation = world.conversations.get(to.conversationID)
  const target = conversation?.messages[targetSeq - 1]
  const joinedSeq = memberOf(world, user, to.conversationID)?.joinedSeq ?? 0
  if (target === undefined || target.seq <= joinedSeq || target.messageType > 6) return 300011
  if (target.recalled) return 100007
  if (messageType === 10 || target.sendId === user) return undefined
  if (messageType === 9 || to.chatType === 1) return 100005
  const own = conversation?.members.get(user)?.role ?? 0
  const author = conversation?.members.get(target.sendId)?.role ?? 0
  return isManager(own) && (author === 0 || own < author) ? undefined : 100005
}

/** Changes the target; gives the words that are nowhere any more. */
const changeTarget = (
  { messages }: Conversation,
  { user, messageType, targetSeq = 0, content }: Wish
): ReadonlyArray<string> => {
  const target = messages[targetSeq - 1]!
  if (messageType === 10) {
    if (content === "") target.reactions.delete(user)
    else target.reactions.set(user, content)
    return []
  }
  if (messageType === 9) {
    target.edited = true
    say(target, content)
    return []
  }
  const words = target.said.filter((word) => word !== "")
  target.recalled = true
  target.reactions.clear()
  say(target, "")
  for (const edit of messages) if (edit.messageType === 9 && edit.targetSeq === targetSeq) say(edit, "")
  return words
}

const say = (message: Stored, content: string): void => {
  message.content = content
  message.said.push(content)
}

/** Changes a user's list, all or nothing; read positions move forward only. */
const arranged = (
  world: World,
  user: string,
  changes: Extract<Command, { kind: "arrange" }>["changes"]
): World | number => {
  let after = world
  for (const [id, { isShow, pinned, muted, read = 0 }] of Object.entries(changes)) {
    const last = lastSeq(world, id)
    if (memberOf(world, user, id) === undefined) return 300001
    if (read > last) return 100002
    after = changedIn(after, { id, chatType: 1 }, ({ members }) => {
      const member = members.get(user)!
      member.readSeq = Math.max(member.readSeq, read)
      if (isShow !== undefined) member.hiddenSeq = isShow ? -1 : last
      if (pinned !== undefined) member.pinned = pinned
      if (muted !== undefined) member.muted = muted
    })
  }
  return after
}

const setUp = (world: World, user: string, { conversationID: id, chatType }: Place): Step => {
  const outcome = { conversationID: id }
  const member = memberOf(world, user, id)
  if (member === undefined && chatType === 0) return refused(world, 300001)
  if (member !== undefined && member.hiddenSeq < lastReadable(world, id)) return { world, outcome }
  const after = changedIn(world, { id, chatType }, ({ members }) => {
    const own = members.get(user)
    if (own === undefined) members.set(user, newMember(3, 0))
    else own.hiddenSeq = -1
  })
  return { world: after, outcome }
}
