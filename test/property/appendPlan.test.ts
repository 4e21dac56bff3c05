/** A batch of drafts comes to the same as the drafts one by one, whatever they are (`src/domain/AppendPlan.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { messageKey } from "../../src/domain/AppendFacts.ts"
import { reactionsMax } from "../../src/domain/ChangeRules.ts"
import { ChatType, type ConversationId } from "../../src/domain/Conversation.ts"
import { Role } from "../../src/domain/Group.ts"
import type { UserId } from "../../src/domain/Ids.ts"
import { type Draft, MessageType } from "../../src/domain/Message.ts"
import type { MessagePolicy } from "../../src/domain/MessagePolicy.ts"
import { conversationOf, draft, groupDraft } from "../support/Drafts.ts"
import { MemoryStore } from "../support/MemoryStore.ts"

const users = ["1", "2", "3"]
const User = Schema.Literals(["1", "2", "3"])
const Anybody = Schema.Literals(["1", "2", "3", "2", "3", "9"])
const groupId = "100" as ConversationId
/** The draft comes again of which so many others came before this one; 0 for one that is new. */
const Again = Schema.Literals([0, 0, 0, 0, 0, 1, 2, 3, 4, 6])
const Seq = Schema.Literals([1, 2, 2, 3, 3, 4])
const Late = Schema.Literals([0, 0, 5, 20])

const Event = Schema.Union([
  Schema.Struct({
    event: Schema.Literal("created"),
    name: Schema.Literal("we"),
    icon: Schema.Literal(""),
    isVerify: Schema.Boolean,
    userIds: Schema.Tuple([Anybody])
  }),
  Schema.Struct({ event: Schema.Literal("joined"), userIds: Schema.Tuple([Anybody]) }),
  Schema.Struct({ event: Schema.Literal("joined"), userIds: Schema.Tuple([User]), asked: Schema.Literal(true) }),
  Schema.Struct({ event: Schema.Literal("left") }),
  Schema.Struct({ event: Schema.Literal("removed"), userIds: Schema.Tuple([Anybody]) }),
  Schema.Struct({ event: Schema.Literal("role"), userId: User, role: Schema.Literals([1, 2, 3]) }),
  Schema.Struct({ event: Schema.Literal("changed"), isVerify: Schema.Boolean })
])
const Base = { sender: User, again: Again, isOfGroup: Schema.Boolean, late: Late }
const Wanted = Schema.Union([
  Schema.Struct({ ...Base, kind: Schema.Literal("text"), content: Schema.Literals(["x", "y"]), to: Anybody }),
  Schema.Struct({ ...Base, kind: Schema.Literal("event"), event: Event }),
  Schema.Struct({ ...Base, kind: Schema.Literal("recall"), seq: Seq }),
  Schema.Struct({ ...Base, kind: Schema.Literal("edit"), content: Schema.Literals(["x", "y", "z"]), seq: Seq }),
  Schema.Struct({
    ...Base,
    kind: Schema.Literal("reaction"),
    content: Schema.Literals(["", "👍", "👎", "🎉"]),
    seq: Seq
  })
])
const Script = Schema.Struct({
  /** What is in the store before the batch, and the batch. */
  before: Schema.Array(Wanted).check(Schema.isMaxLength(8)),
  batch: Schema.Array(Wanted).check(Schema.isBetweenLength(2, 16)),
  /** Whether there is a group, and a message in it and in a private conversation. */
  isFounded: Schema.Literals([true, true, true, true, false]),
  asking: Schema.Array(User).check(Schema.isMaxLength(2)),
  blocks: Schema.Array(Schema.Tuple([User, User])).check(Schema.isMaxLength(1)),
  friends: Schema.Array(Schema.Tuple([User, User])).check(Schema.isMaxLength(4)),
  /** Others who have given the first words of the group a reaction of their own each. */
  crowd: Schema.Literals([0, reactionsMax - 2, reactionsMax - 1]),
  requireFriendship: Schema.Literals([false, false, false, true]),
  groupHistory: Schema.Literals(["joined", "all"])
})

const draftOf = (wanted: typeof Wanted.Type, clientId: string, now: number): Draft => {
  const { sender, isOfGroup, late } = wanted
  const changes = { sendTime: now - late }
  if (wanted.kind === "text") {
    const content = { ...changes, content: wanted.content }
    return isOfGroup
      ? groupDraft(sender, groupId, clientId, content)
      : draft(sender, wanted.to, clientId, { ...content, messageType: MessageType.text })
  }
  if (wanted.kind === "event") {
    return groupDraft(sender, groupId, clientId, {
      ...changes,
      messageType: MessageType.system,
      content: JSON.stringify(wanted.event)
    })
  }
  const change = {
    ...changes,
    messageType: MessageType[wanted.kind],
    content: wanted.kind === "recall" ? "" : wanted.content,
    targetSeq: wanted.seq
  }
  return isOfGroup
    ? groupDraft(sender, groupId, clientId, change)
    : draft(sender, sender === "1" ? "2" : "1", clientId, change)
}

const founding = groupDraft("1", groupId, "founding", {
  messageType: MessageType.system,
  content: JSON.stringify({ event: "created", name: "us", icon: "", isVerify: false, userIds: ["2"] }),
  sendTime: 0
})

const firstWords = [
  groupDraft("2", groupId, "first words", { sendTime: 0 }),
  draft("1", "2", "first words", { sendTime: 0 })
]

/** The drafts, some of which are earlier ones once more. */
const draftsOf = (list: ReadonlyArray<typeof Wanted.Type>, earlier: ReadonlyArray<Draft>, now: number) => {
  const drafts = [...earlier]
  for (const wanted of list) {
    const first = wanted.again === 0 ? undefined : drafts.at(-wanted.again)
    drafts.push(first ?? draftOf(wanted, `m${drafts.length}`, now + 3 * drafts.length))
  }
  return drafts.slice(earlier.length)
}

/** Two stores in the same state, and the drafts of the batch. */
const startOf = (script: typeof Script.Type) => {
  const policy: MessagePolicy["Service"] = {
    windows: { recallMillis: 10, editMillis: 15 },
    requireFriendship: script.requireFriendship,
    groupHistory: script.groupHistory
  }
  const stores = [new MemoryStore(users), new MemoryStore(users)] as const
  const before = draftsOf(script.before, script.isFounded ? firstWords : [], 0)
  const batch = draftsOf(script.batch, [...firstWords, ...before], 5)
  for (const store of stores) {
    for (const [one, other] of script.friends) store.befriend(one, other)
    for (const [one, other] of script.blocks) if (one !== other) store.block(one, other)
    if (script.isFounded) store.append([founding, ...firstWords], { ...policy, requireFriendship: false })
    if (script.isFounded) {
      const reactions = Array.from(
        { length: script.crowd },
        (_, index) => [`${50 + index}` as UserId, `r${index}`] as const
      )
      store.reactions.set(messageKey(groupId, 2), new Map(reactions))
    }
    for (const one of before) store.append([one], policy)
    for (const userId of script.asking) store.ask(groupId, userId as UserId)
  }
  return { policy, stores, batch }
}

const property = (name: string, check: (start: ReturnType<typeof startOf>) => void) =>
  it.effect.prop(name, [Script], ([script]) => Effect.sync(() => check(startOf(script))), {
    arbitrary: { runs: 2_000 }
  })

describe("the plan for a batch", () => {
  property(
    "decides like the plans for its drafts one by one, and leaves the same behind",
    ({ policy, stores, batch }) => {
      const [together, apart] = stores
      const results = together.append(batch, policy)
      assert.deepStrictEqual(
        results,
        batch.flatMap((one) => apart.append([one], policy))
      )
      assert.deepStrictEqual(together, apart)
    }
  )

  property("numbers what it stores without a gap, never earlier than what came before", ({ policy, stores, batch }) => {
    const [store] = stores
    store.append(batch, policy)
    for (const id of [groupId, conversationOf("1", "2")]) {
      const stored = [...store.messages.values()].flatMap(({ message }) =>
        message.conversationID === id ? message : []
      )
      assert.deepStrictEqual(
        stored.map(({ seq }) => seq),
        stored.map((_, index) => index + 1)
      )
      const times = stored.map(({ sendTime }) => sendTime)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
    }
  })

  property(
    "gives a draft that comes again the first message, and stores nothing by it",
    ({ policy, stores, batch }) => {
      const [store] = stores
      const first = store.append(batch, policy)
      for (const [index, again] of store.append(batch, policy).entries()) {
        const result = first[index]
        if (result?._tag === "Rejected" || again._tag === "Rejected") continue
        assert.strictEqual(again._tag, "Duplicate")
        assert.strictEqual(again.message.messageId, result?.message.messageId)
      }
    }
  )

  property("lets only members into what happens in a group, and keeps one owner", ({ policy, stores, batch }) => {
    const [store] = stores
    for (const one of batch) {
      const role = store.members.get(`${groupId}/${one.senderId}`)?.role ?? Role.former
      const [result] = store.append([one], policy)
      const isEvent = one.messageType === MessageType.system
      if (one.chatType === ChatType.group && role === Role.former && !isEvent && result?._tag === "Rejected") {
        assert.isTrue(result.error.is("NoConversation") || result.error.is("Conflict"))
      } else if (one.chatType === ChatType.group && role === Role.former && !isEvent) {
        assert.strictEqual(result?._tag, "Duplicate")
      }
    }
    const roles = [...store.members.values()].map(({ role }) => role).filter((role) => role !== Role.former)
    assert.strictEqual(roles.filter((role) => role === Role.owner).length, Math.min(1, roles.length))
  })

  property("leaves nothing of a recalled message, in whatever words", ({ policy, stores, batch }) => {
    const [store] = stores
    store.append(batch, policy)
    const stored = [...store.messages.values()].map(({ message }) => message)
    for (const { conversationID, seq } of stored.filter(({ recalled }) => recalled)) {
      const key = `${conversationID}/${seq}`
      const words = stored.filter(
        (one) =>
          one.conversationID === conversationID &&
          (one.seq === seq || (one.messageType === MessageType.edit && one.targetSeq === seq))
      )
      assert.isTrue(words.every(({ content }) => content === ""))
      assert.isUndefined(store.reactions.get(key))
    }
  })
})
