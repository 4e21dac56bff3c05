/**
 * The contents of the store for `pnpm bench api`: put there by the server's own layers, in large batches, so that every seq,
 * version and member is as a server would have left it.
 */
import { Clock, ConfigProvider, Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import { Auth, Sessions } from "../../src/domain/accounts/Auth.ts"
import { type Phone, UserRepository } from "../../src/domain/accounts/User.ts"
import { cursorOf } from "../../src/domain/conversations/Sync.ts"
import { type GroupEvent, namedMax } from "../../src/domain/groups/Group.ts"
import { type Draft, groupEvent, type Made, message, type Unsent } from "../../src/domain/messages/Draft.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { GroupId, MessageId, UserId } from "../../src/domain/shared/Ids.ts"
import * as AuthJose from "../../src/layers/auth/AuthJose.ts"
import * as Settings from "../../src/layers/settings/Settings.ts"
import * as IdsSnowflake from "../../src/layers/sql/cluster/IdsSnowflake.ts"
import * as MysqlDatabase from "../../src/layers/sql/database/MysqlDatabase.ts"
import { version } from "../../src/layers/sql/database/Sql.ts"
import * as MessageStoreSql from "../../src/layers/sql/messages/MessageStoreSql.ts"
import * as SessionsSql from "../../src/layers/sql/people/SessionsSql.ts"
import * as UserRepositorySql from "../../src/layers/sql/people/UserRepositorySql.ts"
import * as SqliteDatabase from "../../src/layers/sql/sqlite/SqliteDatabase.ts"
import type { Login } from "../ServerUnderTest.ts"

/** How much of everything there is. */
export interface StoreSize {
  /** Members of the group, and conversations of the user whose list is read. */
  readonly members: number
  /** Messages in each conversation of that list. */
  readonly listedMessages: number
  /** Conversations with messages that were missed. */
  readonly missedConversations: number
  /** Messages missed in each of them; as many were there before. */
  readonly missedMessages: number
}

export interface FilledStore {
  /** Has a conversation with every member of the group. */
  readonly lister: Login
  /** Has a conversation with some of them. */
  readonly syncer: Login
  /** Where the syncer's device was before it missed messages. */
  readonly cursor: string
  readonly groupId: GroupId
  readonly members: ReadonlyArray<Login>
  /** Messages in the store. */
  readonly messages: number
}

/** Messages that are stored together: as the server's queue hands them over at most. */
const batchMax = 512
const content = "a message of about a hundred letters, as people write them to each other many times a day, or so"

/** Ids of what is made here are far below those that a server makes. */
const groupId = "900000" as GroupId
const idOf = (index: number) => String(100_000 + index) as UserId

const layerOf = (settings: Readonly<Record<string, string>>) =>
  Layer.mergeAll(MessageStoreSql.layer, UserRepositorySql.layer, AuthJose.layer).pipe(
    Layer.provideMerge(SessionsSql.layer),
    Layer.provide(IdsSnowflake.layer),
    Layer.provideMerge(settings["CHAT_STORE"] === "mysql" ? MysqlDatabase.layer : SqliteDatabase.layer),
    Layer.provide(Settings.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
  )

/** Registers a user with a session, and answers their token. */
const enter = Effect.fnUntraced(function* (userId: UserId) {
  const sessions = yield* Sessions
  const auth = yield* Auth
  const session = { sessionId: userId, userId, deviceId: "bench", platform: "bench" }
  yield* (yield* UserRepository).insert({
    id: userId,
    phone: `+33600${userId}` as Phone,
    passwordHash: "-",
    nickname: `user ${userId}`,
    sex: 0,
    avatar: ""
  })
  // Strangers found the large group.
  yield* (yield* UserRepository).changePrivacy(userId, { addToGroups: "everyone" })
  yield* sessions.open(session)
  return { userId, token: (yield* auth.issueUser(session)).token }
})

/** Stores what was said, in its order. */
const makeSay = Effect.gen(function* () {
  const store = yield* MessageStore
  let said = 0
  return Effect.fnUntraced(function* (all: ReadonlyArray<Made<Unsent>>) {
    for (let from = 0; from < all.length; from += batchMax) {
      const now = yield* Clock.currentTimeMillis
      const drafts = all.slice(from, from + batchMax).map((made) => {
        said += 1
        const draft: Draft = { ...Result.getOrThrow(made), messageId: String(said) as MessageId, sendTime: now }
        return draft
      })
      const refused = (yield* store.appendBatch(drafts)).find(({ _tag }) => _tag !== "Stored")
      if (refused !== undefined) throw new Error(`not stored: ${JSON.stringify(refused)}`)
    }
    return said
  })
})

const privately = (senderId: UserId, receiveId: UserId, clientId: string): Made<Unsent> =>
  message({ senderId, clientId }, { chatType: 1, receiveId, messageType: 0, content })

/** `rounds` messages with each of the others; one after the other, so that no conversation lies together. */
const conversing = (
  own: UserId,
  others: ReadonlyArray<Login>,
  rounds: number,
  name: string,
  isOwn: (round: number) => boolean
): ReadonlyArray<Made<Unsent>> =>
  Array.from({ length: rounds }, (_, round) =>
    others.map(({ userId }) => {
      const clientId = `${name} ${round} ${userId}`
      return isOwn(round) ? privately(own, userId as UserId, clientId) : privately(userId as UserId, own, clientId)
    })
  ).flat()

/** The founding of a group, and what brings in those who were not named in it. */
const founding = (founder: UserId, others: ReadonlyArray<UserId>): ReadonlyArray<Made<Unsent>> => {
  const happens = (event: GroupEvent, index: number) =>
    groupEvent({ senderId: founder, clientId: `event ${index}` }, groupId, event)
  const events: Array<GroupEvent> = [
    { event: "created", name: "everybody", icon: "", isVerify: false, userIds: others.slice(0, namedMax) }
  ]
  for (let from = namedMax; from < others.length; from += namedMax) {
    events.push({ event: "joined", userIds: others.slice(from, from + namedMax) })
  }
  return events.map(happens)
}

/** Fills the empty store of these settings. */
export const fill = (settings: Readonly<Record<string, string>>, size: StoreSize): Promise<FilledStore> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const say = yield* makeSay
    const ids = Array.from({ length: size.members + 2 }, (_, index) => idOf(index))
    const [lister, syncer, ...members] = yield* sql.withTransaction(Effect.forEach(ids, enter))
    if (lister === undefined || syncer === undefined) throw new Error("nobody is there")
    const [ownId, syncerId] = [lister.userId as UserId, syncer.userId as UserId]
    yield* say(founding(idOf(2), ids.slice(3)))
    yield* say(conversing(ownId, members, size.listedMessages, "listed", (round) => round % 2 === 1))
    const partners = members.slice(0, size.missedConversations)
    yield* say(conversing(syncerId, partners, size.missedMessages, "seen", (round) => round % 2 === 1))
    const cursor = cursorOf(syncerId, { since: yield* version(sql), term: undefined, walk: undefined })
    const messages = yield* say(conversing(syncerId, partners, size.missedMessages, "missed", () => false))
    return { lister, syncer, cursor, groupId, members, messages }
  }).pipe(Effect.provide(layerOf(settings)), Effect.runPromise)
