/** The state of the model: what protocol.md section 4 promises to keep, in a few maps. Never changed in place. */

export type Role = 0 | 1 | 2 | 3

export interface Stored {
  readonly seq: number
  readonly sendId: string
  readonly messageType: number
  readonly targetSeq: number
  content: string
  /** All that it has ever said. */
  readonly said: Array<string>
  recalled: boolean
  edited: boolean
  /** By user. */
  readonly reactions: Map<string, string>
}

export interface Member {
  /** 1 owner, 2 manager, 3 member, 0 for who was one. */
  role: Role
  joinedSeq: number
  readSeq: number
  /** Hidden until a message after this one. */
  hiddenSeq: number
  pinned: boolean
  muted: boolean
  /** What they were told at the time: messages `from < seq ≤ to`. */
  readonly spans: Array<{ readonly from: number; to: number }>
  /** The moment at which they left, if ever. */
  leftAt: number
}

export interface Conversation {
  readonly id: string
  readonly chatType: 0 | 1
  readonly messages: Array<Stored>
  readonly members: Map<string, Member>
}

/** The first use of a (sender, id). */
export interface Known {
  readonly conversationID: string
  readonly seq: number
  readonly messageType: number
  readonly targetSeq: number
  readonly content: string
}

export interface World {
  /** Grows with every message. */
  readonly moment: number
  readonly conversations: ReadonlyMap<string, Conversation>
  readonly known: ReadonlyMap<string, Known>
  /** Contents of recalled messages, which are nowhere any more. */
  readonly forgotten: ReadonlySet<string>
}

export const emptyWorld: World = { moment: 0, conversations: new Map(), known: new Map(), forgotten: new Set() }

export const newMember = (role: Role, joinedSeq: number): Member => ({
  role,
  joinedSeq,
  readSeq: joinedSeq,
  hiddenSeq: -1,
  pinned: false,
  muted: false,
  spans: [{ from: joinedSeq, to: Number.POSITIVE_INFINITY }],
  leftAt: 0
})

/** The user's membership, if they are a member now. */
export const memberOf = (world: World, user: string, conversationID: string): Member | undefined => {
  const member = world.conversations.get(conversationID)?.members.get(user)
  return member === undefined || member.role === 0 ? undefined : member
}

export const lastSeq = (world: World, conversationID: string): number =>
  world.conversations.get(conversationID)?.messages.length ?? 0

/** What people read: no group event, and no change of a message. */
export const isRead = ({ messageType }: Pick<Stored, "messageType">): boolean => messageType <= 6

/** The last message that people read. */
export const lastReadable = (world: World, conversationID: string): number =>
  world.conversations.get(conversationID)?.messages.findLast(isRead)?.seq ?? 0

/** The groups in the order of their founding. */
export const groupsOf = (world: World): ReadonlyArray<Conversation> =>
  [...world.conversations.values()].filter(({ chatType }) => chatType === 0)

/** The world with a conversation changed; one that is new begins empty. */
export const changedIn = (
  world: World,
  { id, chatType }: Pick<Conversation, "id" | "chatType">,
  change: (conversation: Conversation) => void
): World => {
  const before = world.conversations.get(id)
  const conversation: Conversation =
    before === undefined ? { id, chatType, messages: [], members: new Map() } : structuredClone(before)
  change(conversation)
  return { ...world, conversations: new Map(world.conversations).set(id, conversation) }
}
