/** Operations of users on a store, and states in which they run, for tests of operations at the same time. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { UserRepository } from "../../src/domain/accounts/User.ts"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { Friends } from "../../src/domain/contacts/Friends.ts"
import { ConversationLists, type ListChange } from "../../src/domain/conversations/ConversationLists.ts"
import { Conversations } from "../../src/domain/conversations/Conversations.ts"
import { GroupInvitations } from "../../src/domain/groups/GroupInvitation.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { ChatType, type ReceiverId, receiverOf } from "../../src/domain/shared/ConversationIds.ts"
import type { AnyFailure } from "../../src/domain/shared/Failure.ts"
import type { FriendRequestId, GroupInvitationId } from "../../src/domain/shared/Ids.ts"
import { HandleResult, type RequestResponse } from "../../src/domain/shared/Request.ts"
import { befriend } from "./Acquaintances.ts"
import { conversationOf, draft } from "./Drafts.ts"
import {
  append,
  approved,
  created,
  eventDraft,
  given,
  groupConversationId,
  groupId,
  idOf,
  insertInvitation,
  joined,
  joinedBy,
  left,
  removed,
  request,
  requestIdOf,
  type StoreServices,
  wordsDraft
} from "./StoredGroups.ts"
import { insertUsers } from "./StoredUsers.ts"

type Operation = Effect.Effect<unknown, AnyFailure, StoreServices>

const groupRequestId = "601"
const friendRequestId = "801" as FriendRequestId
const privately = conversationOf("1", "2")

const store = (one: Draft): Operation => append(one)
const ask = (id: string, inviter: string): Operation =>
  Effect.flatMap(Groups, (groups) => groups.addRequests([request(id, "2", inviter)]))
const close = (result: 3 | 4, by: string): Operation =>
  Effect.flatMap(Groups, (groups) => groups.close(requestIdOf(groupRequestId), result, idOf(by), 5))
const block = (one: string, other: string): Operation =>
  Effect.flatMap(Contacts, (contacts) => contacts.block(idOf(one), idOf(other)))
const unblock = (one: string, other: string): Operation =>
  Effect.flatMap(Contacts, (contacts) => contacts.unblock(idOf(one), idOf(other)))
const askFriend = (one: string, other: string): Operation =>
  Effect.flatMap(Friends, (friends) => friends.request(idOf(one), idOf(other), ""))
const answer = (userId: string, result: RequestResponse): Operation =>
  Effect.flatMap(Friends, (friends) => friends.respond(idOf(userId), friendRequestId, result))
const part = (one: string, other: string): Operation =>
  Effect.flatMap(Friends, (friends) => friends.remove(idOf(one), idOf(other)))
const setUp = (one: string, other: string, chatType: ChatType): Operation =>
  Effect.flatMap(ConversationLists, (lists) => lists.setUp(idOf(one), receiverOf(chatType, other as ReceiverId)))
const arrange = (userId: string, change: ListChange): Operation =>
  Effect.flatMap(ConversationLists, (lists) => lists.change(idOf(userId), [change]))
const read = (userId: string, conversationId: ListChange["conversationId"], seq: number): Operation =>
  Effect.flatMap(Conversations, (conversations) => conversations.markRead(idOf(userId), conversationId, seq))
const inGroups = (use: (groups: Groups["Service"]) => Effect.Effect<unknown, AnyFailure>): Operation =>
  Effect.flatMap(Groups, use)
const history = (userId: string): Operation =>
  Effect.flatMap(MessageStore, (messages) =>
    messages.history(idOf(userId), { conversationId: groupConversationId, limit: 20 })
  )

/** By name. Each is the same thing whenever it is done: doing it twice is not meant. */
export const operations: Readonly<Record<string, Operation>> = {
  "1 asks for 2 to get in": ask("701", "1"),
  "2 asks to get in": ask("702", "2"),
  "10 asks for 2 to get in": ask("703", "10"),
  "10 cancels the request": close(HandleResult.cancel, "10"),
  "1 refuses the request": close(HandleResult.refuse, "1"),
  "1 passes the request": store(eventDraft("1", approved("2"))),
  "1 brings 2 in": store(eventDraft("1", joined("2"))),
  "10 brings 2 in": store(eventDraft("10", joined("2"))),
  "2 joins by the invitation": store(eventDraft("2", joinedBy("71", "2"))),
  "1 revokes the invitation": Effect.flatMap(GroupInvitations, (invitations) =>
    invitations.revoke(idOf("1"), groupId, "71" as GroupInvitationId)
  ),
  "2 lets nobody bring them in": Effect.flatMap(UserRepository, (users) =>
    users.changePrivacy(idOf("2"), { addToGroups: "nobody" })
  ),
  "2 accepts to be brought in": store(eventDraft("2", approved("2"))),
  "1 removes 10": store(eventDraft("1", removed("10"))),
  "10 leaves": store(eventDraft("10", left)),
  "2 leaves": store(eventDraft("2", left)),
  "10 becomes a manager": store(eventDraft("1", given("10", 2))),
  "the group opens": store(eventDraft("1", { event: "changed", isVerify: false })),
  "1 writes": store(wordsDraft("1", "words")),
  "2 writes": store(wordsDraft("2", "words")),
  "10 writes": store(wordsDraft("10", "words")),
  "10 reacts": store(wordsDraft("10", "👍", { messageType: MessageType.reaction, targetSeq: 2 })),
  "1 recalls": store(wordsDraft("1", "", { messageType: MessageType.recall, targetSeq: 2 })),
  "1 writes to 2": store(draft("1", "2", "words")),
  "2 writes to 1": store(draft("2", "1", "words")),
  "2 writes to 10": store(draft("2", "10", "words")),
  "10 writes to 2": store(draft("10", "2", "words")),
  "2 blocks 1": block("2", "1"),
  "2 blocks 10": block("2", "10"),
  "10 blocks 2": block("10", "2"),
  "2 unblocks 1": unblock("2", "1"),
  "2 unblocks 10": unblock("2", "10"),
  "2 asks 10 for friendship": askFriend("2", "10"),
  "10 asks 2 for friendship": askFriend("10", "2"),
  "2 passes friendship": answer("2", HandleResult.pass),
  "2 refuses friendship": answer("2", HandleResult.refuse),
  "10 cancels friendship": answer("10", HandleResult.cancel),
  "2 parts from 1": part("2", "1"),
  "2 parts from 10": part("2", "10"),
  "1 sets up with 2": setUp("1", "2", ChatType.single),
  "2 sets up with 10": setUp("2", "10", ChatType.single),
  "10 sets up with 2": setUp("10", "2", ChatType.single),
  "10 sets up the group": setUp("10", groupId, ChatType.group),
  "10 hides the group": arrange("10", { conversationId: groupConversationId, isShown: false }),
  "10 shows the group": arrange("10", { conversationId: groupConversationId, isShown: true }),
  "10 pins and reads the group": arrange("10", { conversationId: groupConversationId, isPinned: true, readSeq: 3 }),
  "1 hides 2": arrange("1", { conversationId: privately, isShown: false, isMuted: true }),
  "10 reads to 3": read("10", groupConversationId, 3),
  "10 reads to 4": read("10", groupConversationId, 4),
  "1 reads 2": read("1", privately, 2),
  "10 looks at the history": history("10"),
  "2 looks at the history": history("2"),
  "10 looks at the members": inGroups((groups) => groups.members(idOf("10"), groupId)),
  "10 looks at its company": inGroups((groups) => groups.membersWithVisibility(idOf("10"), groupId)),
  "10 looks at its groups": inGroups((groups) => groups.list(idOf("10"), undefined)),
  "10 looks at its requests": inGroups((groups) => groups.ownRequests(idOf("10"), undefined)),
  "2 looks at its contacts": Effect.flatMap(Contacts, (contacts) => contacts.list(idOf("2")))
}

/** 1 has founded a group with 10 and is a friend of both 2 and 10. */
const beginning = Effect.gen(function* () {
  yield* insertUsers
  yield* befriend(idOf("1"), idOf("2"))
  yield* befriend(idOf("1"), idOf("10"))
  yield* append(eventDraft("1", created(["10"], true)))
  yield* Effect.orDie(insertInvitation("71", { uses_max: 1 }))
  for (const words of ["a", "b", "c"]) yield* append(wordsDraft("1", words))
  yield* append(draft("1", "2", "a"), draft("2", "1", "b"), draft("2", "1", "c"))
})

/** States in which different operations have something to do. */
export const situations: Readonly<Record<string, Operation>> = {
  "10 has asked 2 for friendship": Effect.gen(function* () {
    yield* beginning
    const sql = yield* SqlClient.SqlClient
    yield* Effect.orDie(
      sql`INSERT INTO contact_requests ${sql.insert({
        id: friendRequestId,
        requester_id: "10",
        receiver_id: "2",
        message: "",
        requested_at: 1,
        handle_result: HandleResult.none
      })}`
    )
  }),
  "10, a friend, has asked for 2 to get in": Effect.gen(function* () {
    yield* beginning
    yield* befriend(idOf("2"), idOf("10"))
    yield* ask(groupRequestId, "10")
  }),
  "2 must accept that 1 brings them in": Effect.gen(function* () {
    yield* beginning
    yield* befriend(idOf("2"), idOf("10"))
    yield* (yield* UserRepository).changePrivacy(idOf("2"), { addToGroups: "nobody" })
    yield* ask(groupRequestId, "1")
  }),
  "all are in the group, and 2 blocks 1": Effect.gen(function* () {
    yield* beginning
    yield* befriend(idOf("2"), idOf("10"))
    yield* append(eventDraft("1", joined("2")), eventDraft("1", given("10", 2)), wordsDraft("2", "hey"))
    yield* arrange("10", { conversationId: groupConversationId, isShown: false })
    yield* block("2", "1")
  })
}
