/** A batch of drafts comes to the same as the drafts one by one, whatever they are (`src/domain/messages/AppendPlan.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Role } from "../../src/domain/groups/Group.ts"
import { messageKey } from "../../src/domain/messages/AppendFacts.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import { ChatType } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import {
  draftsOfScript,
  firstWords,
  founding,
  groupId,
  invitation,
  policyOf,
  Script,
  users
} from "../support/DraftScripts.ts"
import { conversationOf } from "../support/Drafts.ts"
import { MemoryStore } from "../support/MemoryStore.ts"
import { occurrences } from "../support/Occurrences.ts"

/** Two stores in the same state, and the drafts of the batch. */
const startOf = (script: typeof Script.Type) => {
  const policy = policyOf(script)
  const { before, batch } = draftsOfScript(script)
  const stores = [new MemoryStore(users), new MemoryStore(users)] as const
  for (const store of stores) {
    const { id, ...facts } = invitation
    store.invitations.set(id, facts)
    for (const userId of script.shut) store.shut.add(userId)
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

const seen = occurrences("the plan for a batch", {
  "a draft was stored": 500,
  "a draft was stored before": 200,
  "a draft was refused": 500,
  "a batch of several": 500
})

describe("the plan for a batch", () => {
  property(
    "decides like the plans for its drafts one by one, and leaves the same behind",
    ({ policy, stores, batch }) => {
      const [together, apart] = stores
      const known = together.messages.size
      const results = together.append(batch, policy)
      seen.run()
      const refused = results.filter(({ _tag }) => _tag === "Rejected").length
      const stored = together.messages.size - known
      seen.saw("a batch of several", batch.length > 1)
      seen.saw("a draft was stored", stored > 0)
      seen.saw("a draft was refused", refused > 0)
      seen.saw("a draft was stored before", stored + refused < batch.length)
      assert.deepStrictEqual(
        results,
        batch.flatMap((one) => apart.append([one], policy))
      )
      assert.deepStrictEqual(together, apart)
    }
  )

  seen.check()

  property("numbers what it stores without a gap, never earlier than what came before", ({ policy, stores, batch }) => {
    const [store] = stores
    store.append(batch, policy)
    for (const id of [groupId, conversationOf("1", "2")]) {
      const stored = [...store.messages.values()].flatMap(({ message }) =>
        message.conversationId === id ? message : []
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
      // Its refusal is from a time when its sender was a member.
      const isDecided = store.refused.has(one.messageId)
      const [result] = store.append([one], policy)
      if (isDecided) continue
      const isEvent = one.messageType === MessageType.system
      if (one.chatType === ChatType.group && role === Role.former && !isEvent && result?._tag === "Rejected") {
        assert.isTrue(result.error._tag === "NoConversation" || result.error._tag === "Conflict")
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
    for (const { conversationId: conversationID, seq } of stored.filter(({ recalled }) => recalled)) {
      const key = `${conversationID}/${seq}`
      const words = stored.filter(
        (one) =>
          one.conversationId === conversationID &&
          (one.seq === seq || (one.messageType === MessageType.edit && one.targetSeq === seq))
      )
      assert.isTrue(words.every(({ content }) => content === ""))
      assert.isUndefined(store.reactions.get(key))
    }
  })
})
