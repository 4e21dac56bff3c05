/** What the world looks like to a user: histories, lists and read records; and the same of what the server answers. */

import type { ConversationEntry } from "../../src/http/api/ConversationEntry.ts"
import type { Message, SyncedConversation } from "../support/WireShapes.ts"
import { type Conversation, isRead, lastReadable, lastSeq, memberOf, type Stored, type World } from "./World.ts"

/** A message to a reader, without what only the server can know. */
export interface MessageView {
  readonly seq: number
  readonly chatType: number
  readonly sendId: string
  readonly receiveId: string
  readonly messageType: number
  readonly content: string
  readonly targetSeq: number
  readonly recalled: boolean
  readonly edited: boolean
  readonly reactions: ReadonlyArray<string>
}

export const viewOf = (message: Message): MessageView => ({
  seq: message.seq,
  chatType: message.chatType,
  sendId: message.sendId,
  receiveId: message.receiveId,
  messageType: message.messageType,
  content: message.content,
  targetSeq: message.targetSeq ?? 0,
  recalled: message.recalled ?? false,
  edited: message.edited ?? false,
  reactions: (message.reactions ?? []).map(({ reaction, count, own }) => `${reaction} ${count} ${own}`).sort()
})

/** The other user, or the group. */
const targetOf = ({ id, chatType }: Pick<Conversation, "id" | "chatType">, user: string): string =>
  chatType === 0 ? id : (id.split("_").find((member) => member !== user) ?? user)

export const reactionsOf = (reactions: ReadonlyMap<string, string>, reader: string): ReadonlyArray<string> =>
  [...Map.groupBy(reactions, ([, reaction]) => reaction)]
    .map(([reaction, by]) => `${reaction} ${by.length} ${by.some(([user]) => user === reader)}`)
    .sort()

const seenAs = (conversation: Conversation, message: Stored, reader: string): MessageView => ({
  seq: message.seq,
  chatType: conversation.chatType,
  sendId: message.sendId,
  receiveId: targetOf(conversation, message.sendId),
  messageType: message.messageType,
  content: message.content,
  targetSeq: message.targetSeq,
  recalled: message.recalled,
  edited: message.edited,
  reactions: reactionsOf(message.reactions, reader)
})

/** What a member sees of a conversation, in order; `undefined` for anybody else. */
export const visible = (world: World, reader: string, id: string): ReadonlyArray<MessageView> | undefined => {
  const member = memberOf(world, reader, id)
  const conversation = world.conversations.get(id)
  return member === undefined || conversation === undefined
    ? undefined
    : conversation.messages
        .filter(({ seq }) => seq > member.joinedSeq)
        .map((message) => seenAs(conversation, message, reader))
}

/** Bounds of a page; both are exclusive. */
export interface Bounds {
  readonly beforeSeq?: number
  readonly afterSeq?: number
  readonly limit: number
}

/** A page of history: upwards from `afterSeq`, without it the newest. */
export const pageOf = (all: ReadonlyArray<MessageView>, { beforeSeq, afterSeq, limit }: Bounds) => {
  const within = all.filter(({ seq }) => seq > (afterSeq ?? 0) && seq < (beforeSeq ?? Number.POSITIVE_INFINITY))
  const messages = afterSeq === undefined ? within.slice(-limit) : within.slice(0, limit)
  return { messages, hasMore: within.length > limit }
}

/** A page of the chat log: newest first. */
export const logOf = (all: ReadonlyArray<MessageView>, { beforeSeq, afterSeq, limit }: Bounds) =>
  all
    .filter(({ seq }) => seq > (afterSeq ?? 0) && seq < (beforeSeq ?? Number.POSITIVE_INFINITY))
    .toReversed()
    .slice(0, limit)

/** A conversation in a list. */
export type EntryView = Omit<typeof ConversationEntry.Type, "msg" | "conversationId" | "targetId"> & {
  readonly targetId: string
  readonly msg: MessageView | undefined
}

/** The ids of the conversations in a user's list. */
export const listedOf = (world: World, user: string): ReadonlyArray<string> =>
  [...world.conversations.keys()].filter((id) => memberOf(world, user, id) !== undefined)

export const entryOf = (world: World, user: string, id: string): EntryView => {
  const conversation = world.conversations.get(id)!
  const { joinedSeq, readSeq, hiddenSeq, pinned, muted } = memberOf(world, user, id)!
  const last = lastSeq(world, id)
  const unread = conversation.messages.filter(
    (message) => message.seq > readSeq && isRead(message) && !message.recalled
  )
  return {
    chatType: conversation.chatType,
    targetId: targetOf(conversation, user),
    isShow: hiddenSeq < lastReadable(world, id),
    pinned,
    muted,
    seq: last,
    read: readSeq,
    total: last,
    unread: unread.length,
    joinedSeq,
    msg: visible(world, user, id)?.findLast(({ messageType }) => messageType < 8)
  }
}

/** What a sync tells of a conversation, besides its messages. */
export type SyncView = Omit<SyncedConversation, "messages" | "hasMore" | "conversationID">

export const syncedAs = ({ conversationID: _, messages: _messages, hasMore: _hasMore, ...rest }: SyncedConversation) =>
  rest as SyncView

/** How far the other user of a private conversation has read. */
const peerPosition = (world: World, user: string, id: string): { readonly peerReadSeq?: number } => {
  const { chatType, members } = world.conversations.get(id)!
  const peer = chatType === 1 ? [...members].find(([other]) => other !== user) : undefined
  return peer === undefined ? {} : { peerReadSeq: peer[1].readSeq }
}

/** To who is no member any more nothing but that. */
export const syncedOf = (world: World, user: string, id: string): SyncView => {
  if (memberOf(world, user, id) === undefined) return { seq: 0, readSeq: 0, unread: 0, left: true }
  const { seq, read, unread, joinedSeq, isShow, pinned, muted } = entryOf(world, user, id)
  return {
    seq,
    readSeq: read,
    unread,
    ...peerPosition(world, user, id),
    ...(joinedSeq === 0 ? {} : { joinedSeq }),
    ...(isShow ? {} : { isHidden: true }),
    ...(pinned ? { isPinned: true } : {}),
    ...(muted ? { isMuted: true } : {})
  }
}

/** Who has read a message, of those who see it but its sender; `undefined` to who does not. */
export const recordsOf = (world: World, reader: string, id: string, seq: number) => {
  const conversation = world.conversations.get(id)
  const message = conversation?.messages[seq - 1]
  const seeing = [...(conversation?.members ?? [])].filter(([, member]) => member.role !== 0 && member.joinedSeq < seq)
  if (message === undefined || !seeing.some(([user]) => user === reader)) return undefined
  const others = seeing.filter(([user]) => user !== message.sendId)
  const those = (isRead: boolean) =>
    others.flatMap(([user, { readSeq }]) => (readSeq >= seq === isRead ? [user] : [])).sort()
  return { reads: those(true), unReads: those(false) }
}

/** The members of a group with their roles; `undefined` to everybody else. */
export const rolesOf = (world: World, reader: string, groupId: string) =>
  memberOf(world, reader, groupId) === undefined
    ? undefined
    : [...world.conversations.get(groupId)!.members]
        .flatMap(([user, { role }]) => (role === 0 ? [] : `${user} ${role}`))
        .sort()
